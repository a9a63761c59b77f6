import LockstepFiles

/// The cells of one column in some rows of a table: what encodings are fitted on.
///
/// Rows come block by block and may be read again and again: nothing that is learned of them may need all of
/// them at once.
struct ColumnRows: Sendable {
  /// The largest number of Float32.
  static let largest = Double(Float.greatestFiniteMagnitude)

  /// The most different texts of a column that are told apart where a table is stored.
  static let mostTexts = 1 << 20

  let table: any TableBlocks
  let column: Int
  private let rows: RowSelection

  /// - Parameter rows: ascending; nil for all.
  init(_ table: any TableBlocks, _ column: Int, rows: [Int]?) {
    self.table = table
    self.column = column
    self.rows = RowSelection(rows, of: table)
  }

  /// Some rows of a table in memory.
  init(_ cells: ColumnCells, _ rows: [Int]) { self.init(cells.table, cells.column, rows: rows) }

  var name: String { table.header.columns[column] }
  var path: String { table.path }
  /// The number of rows.
  var count: Int { rows.count }

  /// An error about a cell, by its row in the whole table.
  func fault(_ row: Int, _ reason: String) -> FileError {
    table.fault(row: row, column: column, reason)
  }

  /// Hands the cells of each block to `body`, and the rows by their numbers in it.
  func forEachBlock(
    _ body: (ColumnCells, [Int]) throws(FileError) -> Void
  ) throws(FileError) {
    try ReadingStop.check(path)
    try table.forEachBlock(of: [column]) { block throws(FileError) in
      let rows = rows.rows(of: block)
      if !rows.isEmpty { try body(ColumnCells(table: block, column: column), rows) }
    }
  }

  // MARK: Numbers

  /// Hands each cell to `body` as a number in Float32's range, NaN where it is missing, and its row in the whole
  /// table.
  ///
  /// - Parameter remedy: what to do about a text that is no number.
  func forEachNumber(
    remedy: String, _ body: (_ value: Double, _ row: Int) -> Void
  ) throws(FileError) {
    try forEachBlock { cells, rows throws(FileError) in
      let (numbers, first) = (cells.numbers, cells.table.firstRow)
      for row in rows {
        // Most numbers are within Float32's range, and there; all others are looked at more closely.
        if let known = numbers?[row], known.magnitude <= Self.largest {
          body(known, first + row)
        } else {
          body(try cells.number(row, remedy: remedy) ?? .nan, first + row)
        }
      }
    }
  }

  // MARK: Texts

  /// The distinct texts, by rows in the whole table. Of a table that is stored, no more than ``mostTexts`` are
  /// told apart; cells of further texts are passed over.
  func distinct() throws(FileError) -> ColumnCells.Distinct {
    var found = ColumnCells.Distinct()
    var places: [String: Int] = [:]
    try forEachBlock { cells, rows in
      let own = cells.distinct(rows)
      guard table.isStored else {
        found = own
        return
      }
      let first = cells.table.firstRow
      found.missing += own.missing
      found.firstMissing = found.firstMissing ?? own.firstMissing.map { first + $0 }
      for (place, text) in own.texts.enumerated() {
        if let known = places[text] {
          found.counts[known] += own.counts[place]
        } else if found.texts.count < Self.mostTexts {
          places[text] = found.texts.count
          found.texts.append(text)
          found.counts.append(own.counts[place])
          found.rows.append(first + own.rows[place])
        } else {
          found.isCut = true
        }
      }
    }
    return found
  }

  /// Hands each text of each block to `body` with the first row in the whole table that has it there: all
  /// different texts, each once or more.
  func forEachText(
    _ body: (_ text: String, _ row: Int) throws(FileError) -> Void
  ) throws(FileError) {
    try forEachBlock { cells, rows throws(FileError) in
      let own = cells.distinct(rows)
      for (text, row) in zip(own.texts, own.rows) { try body(text, cells.table.firstRow + row) }
    }
  }
}
