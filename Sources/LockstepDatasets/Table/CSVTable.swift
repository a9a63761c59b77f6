import LockstepFiles

/// A text table with a header row (CSV, RFC 4180), or without one.
///
/// Fields may stand in double quotes, with "" for a quote and line breaks inside; lines end in LF or
/// CRLF; a byte-order mark is skipped. Every row has as many fields as the header; blank lines are
/// skipped where there is more than one column. Columns of numbers are kept as numbers, others as texts.
package struct CSVTable: Sendable {
  /// The file's path; of several the first one's.
  package var path: String { header.path }
  /// The columns' names, unique.
  package var columns: [String] { header.columns }
  /// The number of rows, the header not counted.
  package var rowCount: Int { cells.rowCount }

  let cells: TableCells
  /// How it was written.
  let dialect: CSVDialect
  let places: RowPlaces
  let header: TableHeader
  /// The number of its first row in the table that it is a block of; 0 for a whole table.
  let firstRow: Int

  /// Reads a file, plain or compressed, of at most `limit` bytes, inflated. It is scanned while it is
  /// read, and only the cells are kept.
  ///
  /// - Parameters:
  ///   - dialect: how it is written.
  ///   - texts: the columns whose texts are needed as they are, though they look like numbers.
  package static func read(
    _ path: String, _ dialect: CSVDialect = CSVDialect(), texts: Set<String> = [],
    limit: Int = 1 << 34
  ) throws(FileError) -> CSVTable {
    try read([path], dialect, texts: texts, limit: limit)
  }

  /// Reads files, whose rows follow each other. Their columns have the same names, in any order.
  package static func read(
    _ paths: [String], _ dialect: CSVDialect = CSVDialect(), texts: Set<String> = [],
    limit: Int = 1 << 34
  ) throws(FileError) -> CSVTable {
    guard let first = paths.first else {
      throw FileError(path: "", kind: .mismatch, reason: "a table has at least one file")
    }
    return try table(first, dialect, texts) { scanner throws(FileError) in
      for (place, path) in paths.enumerated() {
        if place > 0 { scanner.begin(next: path) }
        try TableFile.scan(path, limit: limit, into: &scanner)
        try scanner.finish()
      }
    }
  }

  /// Parses the bytes of a file.
  package static func parse(
    _ bytes: [UInt8], path: String, _ dialect: CSVDialect = CSVDialect(), texts: Set<String> = []
  ) throws(FileError) -> CSVTable {
    try parse(pieces: [bytes], path: path, dialect, texts: texts)
  }

  /// Parses the bytes of a file that come in pieces.
  package static func parse(
    pieces: [[UInt8]], path: String, _ dialect: CSVDialect = CSVDialect(),
    texts: Set<String> = []
  ) throws(FileError) -> CSVTable {
    try table(path, dialect, texts) { scanner throws(FileError) in
      var failure: FileError?
      for piece in pieces where failure == nil {
        piece.withUnsafeBytes { bytes in
          do throws(FileError) { try scanner.consume(bytes) } catch { failure = error }
        }
      }
      if let failure { throw failure }
      try scanner.finish()
    }
  }

  /// Scans a table; once more where columns that began with numbers hold texts.
  private static func table(
    _ path: String, _ dialect: CSVDialect, _ texts: Set<String>,
    _ scan: (inout CSVScanner) throws(FileError) -> Void
  ) throws(FileError) -> CSVTable {
    try dialect.check(path)
    var texts = texts
    while true {
      var scanner = CSVScanner(path: path, dialect, texts: texts)
      try scan(&scanner)
      if scanner.cells.mistaken.isEmpty { return CSVTable(path, scanner) }
      texts.formUnion(scanner.mistaken)
    }
  }

  private init(_ path: String, _ scanner: CSVScanner) {
    self.init(
      TableHeader(path: path, columns: scanner.header ?? []), scanner.cells, scanner.places,
      scanner.dialect)
  }

  init(
    _ header: TableHeader, _ cells: TableCells, _ places: RowPlaces, _ dialect: CSVDialect,
    firstRow: Int = 0
  ) {
    self.header = header
    self.cells = cells
    self.places = places
    self.dialect = dialect
    self.firstRow = firstRow
  }

  // MARK: Columns

  /// The index of a column; nil where there is none of this name.
  package func find(_ name: String) -> Int? { header.find(name) }

  /// The index of a column; an error that names the nearest one where there is none.
  package func column(_ name: String) throws(FileError) -> Int { try header.column(name) }

  // MARK: Cells

  /// The text of a cell. Of a column of numbers it is the number, however it was written.
  package func text(row: Int, column: Int) -> String {
    switch cells.forms[column] {
    case .text(let place):
      return cells.texts[place].text(Int(cells.codes[row * cells.textCount + place]))
    case .number(let place):
      let value = cells.numbers[row * cells.numberCount + place]
      return value.isNaN ? "" : CellText.text(value)
    }
  }

  /// The text of a cell without white space at its ends.
  func trimmed(row: Int, column: Int) -> String {
    CellText.trimmed(text(row: row, column: column))
  }

  /// The number in a cell; nil where it is missing: empty, or one of NA, N/A, NaN, null, ? and their
  /// like.
  package func number(row: Int, column: Int) throws(FileError) -> Double? {
    try number(row: row, column: column, remedy: "")
  }

  /// As ``number(row:column:)``; the error about a text that is no number ends in a remedy.
  func number(row: Int, column: Int, remedy: String) throws(FileError) -> Double? {
    if case .number(let place) = cells.forms[column] {
      let value = cells.numbers[row * cells.numberCount + place]
      return value.isNaN ? nil : value
    }
    let text = trimmed(row: row, column: column)
    if CellText.isMissing(text) { return nil }
    guard let value = CellText.number(text, point: cells.point) else {
      throw fault(row: row, column: column, Self.noNumber(text, point: cells.point, remedy))
    }
    return value
  }

  /// What is wrong with a text that is no number.
  static func noNumber(_ text: String, point: UInt8, _ remedy: String) -> String {
    "expected a number, found '\(text.shortened(to: 40))'" + numberHint(text, point, remedy)
  }

  /// What may be wrong with a text that is no number.
  private static func numberHint(_ text: String, _ point: UInt8, _ remedy: String) -> String {
    if text.unicodeScalars.contains("\r") { return "; \(CSVScanner.convertCarriageReturns)" }
    let other = point == UInt8(ascii: ".") ? UInt8(ascii: ",") : UInt8(ascii: ".")
    if CellText.number(text, point: other) != nil {
      return point == UInt8(ascii: ".")
        ? "; where commas are decimal points, set 'data.decimal' to ','"
        : "; 'data.decimal' is ','"
    }
    return remedy
  }

  // MARK: Places

  /// The line of the file on which a row begins, counted from 1.
  package func line(ofRow row: Int) -> Int { places.line(ofRow: firstRow + row) }

  /// The files that the rows are in.
  var files: [String] { places.files }

  /// The file that a row is in.
  func file(ofRow row: Int) -> String { places.file(ofRow: firstRow + row) }

  /// An error about a cell, with its line and its column's name.
  func fault(row: Int, column: Int, _ reason: String) -> FileError {
    places.fault(row: firstRow + row, column: columns[column], reason)
  }
}

extension CSVScanner {
  /// The names of the columns that were taken for numbers and hold texts.
  var mistaken: [String] { cells.mistaken.map { (header ?? [])[$0] } }
}

extension CSVDialect {
  /// Makes sure that a table can be written so.
  func check(_ path: String) throws(FileError) {
    if let problem { throw FileError(path: path, kind: .mismatch, reason: problem) }
  }
}

extension RowPlaces {
  /// An error about a cell, with its line and its column's name.
  func fault(row: Int, column: String, _ reason: String) -> FileError {
    FileError(
      path: file(ofRow: row), kind: .corrupt,
      reason: "line \(line(ofRow: row)), column \(column.quoted): \(reason)")
  }
}
