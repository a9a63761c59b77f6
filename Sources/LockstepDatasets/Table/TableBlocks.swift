import LockstepFiles

/// A table whose rows come block by block: of one in memory all at once, of one that is stored some
/// thousands at a time.
protocol TableBlocks: Sendable {
  var header: TableHeader { get }
  /// Where all rows stand.
  var places: RowPlaces { get }
  var rowCount: Int { get }
  /// How the table was written.
  var dialect: CSVDialect { get }
  /// Whether rows are read from a file, and should not be kept.
  var isStored: Bool { get }
  /// Whether a column's cells are kept as numbers.
  func isNumber(_ column: Int) -> Bool
  /// Hands all rows to `body`, in order. A block has the cells of the columns that are asked for, and no others.
  func forEachBlock(
    of columns: [Int], _ body: (CSVTable) throws(FileError) -> Void
  ) throws(FileError)
}

extension CSVTable: TableBlocks {
  var isStored: Bool { false }

  func isNumber(_ column: Int) -> Bool { cells.isNumber(column) }

  func forEachBlock(
    of columns: [Int], _ body: (CSVTable) throws(FileError) -> Void
  ) throws(FileError) { try body(self) }
}

extension TableBlocks {
  var path: String { header.path }

  /// The byte between the whole digits of a number and the fraction's.
  var point: UInt8 { dialect.point }

  /// An error about a cell, by its row in the whole table.
  func fault(row: Int, column: Int, _ reason: String) -> FileError {
    places.fault(row: row, column: header.columns[column], reason)
  }
}

/// Some rows of a table, in ascending order; all where none are named.
struct RowSelection: Sendable {
  private let rows: [Int]?
  /// The number of rows.
  let count: Int

  init(_ rows: [Int]?, of table: any TableBlocks) {
    self.rows = rows
    count = rows?.count ?? table.rowCount
  }

  /// The rows of a block, by their numbers in it.
  func rows(of block: CSVTable) -> [Int] {
    guard let rows else { return Array(0..<block.rowCount) }
    if block.firstRow == 0, rows.last ?? 0 < block.rowCount { return rows }
    let (first, end) = (block.firstRow, block.firstRow + block.rowCount)
    let start = place(of: first)
    return rows[start..<max(start, place(of: end))].map { $0 - first }
  }

  /// The place of the first row that is not below another.
  private func place(of row: Int) -> Int {
    guard let rows else { return row }
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle] < row { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
