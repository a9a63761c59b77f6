import LockstepFiles

/// The names of a part's rows, which stay in the table's file.
package struct StoredNames: Sendable {
  let table: StoredTable
  let column: Int
  let rows: [Int]?

  /// The names of a run of examples.
  func names(of examples: Range<Int>) throws(FileError) -> [String] {
    var (names, block): ([String], CSVTable?) = ([], nil)
    for example in examples {
      let row = rows?[example] ?? example
      if block.map({ row < $0.firstRow || row >= $0.firstRow + $0.rowCount }) ?? true {
        block = try table.block(around: row, of: [column])
      }
      if let block { names.append(block.trimmed(row: row - block.firstRow, column: column)) }
    }
    return names
  }
}
