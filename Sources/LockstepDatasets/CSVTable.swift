import LockstepFiles

/// A text table with a header row (CSV, RFC 4180).
///
/// Fields may stand in double quotes, with "" for a quote and line breaks inside; lines end in LF or
/// CRLF; a byte-order mark is skipped. Every row has as many fields as the header; blank lines are
/// skipped where there is more than one column.
package struct CSVTable: Sendable {
  /// The file's path.
  package let path: String
  /// The columns' names, unique.
  package let columns: [String]
  /// The number of rows, the header not counted.
  package var rowCount: Int { cells.rowCount }

  private let cells: CSVCells

  /// Reads a file, plain or in gzip, of at most `limit` bytes, inflated. It is scanned while it is
  /// read, and only the cells are kept.
  package static func read(
    _ path: String, delimiter: Unicode.Scalar = ",", limit: Int = 1 << 30
  ) throws(FileError) -> CSVTable {
    var scanner = try scanner(path, delimiter)
    let file = try FileInput(path, limit: limit)
    if try Gzip.isCompressed(file.prefix(2)) {
      let bytes = try file.contents()
      // Inflating alone is fast and takes no memory: a content that is too long is refused before any
      // of it is scanned, which takes many times as long.
      _ = try Gzip.length(bytes, path: path, limit: limit)
      try Gzip.inflate(bytes, path: path) { chunk throws(FileError) in
        try scanner.consume(chunk)
        return true
      }
    } else {
      try file.forEachBlock { block, offset throws(FileError) in
        try scanner.consume(block)
        if offset == 0 { scanner.reserve(fileSize: file.size, scanned: block.count) }
      }
    }
    return try CSVTable(path, &scanner)
  }

  /// Parses the bytes of a file.
  package static func parse(
    _ bytes: [UInt8], path: String, delimiter: Unicode.Scalar = ","
  ) throws(FileError) -> CSVTable {
    var scanner = try scanner(path, delimiter)
    var failure: FileError?
    bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try scanner.consume(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    return try CSVTable(path, &scanner)
  }

  private static func scanner(
    _ path: String, _ delimiter: Unicode.Scalar
  ) throws(FileError) -> CSVScanner {
    guard delimiter.isASCII, !["\"", "\n", "\r"].contains(delimiter) else {
      throw FileError(
        path: path, kind: .mismatch, reason: "'\(delimiter)' cannot be the delimiter of a table")
    }
    return CSVScanner(path: path, delimiter: UInt8(ascii: delimiter))
  }

  private init(_ path: String, _ scanner: inout CSVScanner) throws(FileError) {
    self.path = path
    let header: [String]
    (header, cells) = try scanner.finish()
    columns = try Self.names(header, path)
  }

  /// The names of a header, without white space at their ends, which differ from each other.
  private static func names(
    _ header: [String], _ path: String
  ) throws(FileError) -> [String] {
    let names = header.map(CellText.trimmed)
    if names.contains(where: { $0.contains("\r" as Character) }) {
      throw FileError(
        path: path, kind: .corrupt,
        reason:
          "the header has a CR that ends no line; \(CSVScanner.convertCarriageReturns)")
    }
    var places: [String: Int] = [:]
    for (place, name) in names.enumerated() {
      guard let first = places.updateValue(place, forKey: name) else { continue }
      throw FileError(
        path: path, kind: .corrupt,
        reason: name.isEmpty
          ? "the columns \(first + 1) and \(place + 1) have no name in the header; give them names"
          : "the header has the column \(name.quoted) twice")
    }
    return names
  }

  /// The text of a cell.
  package func text(row: Int, column: Int) -> String { cells.text(row * columns.count + column) }

  /// The index of a column; an error that names the nearest one where there is none.
  package func column(_ name: String) throws(FileError) -> Int {
    if let index = columns.firstIndex(of: CellText.trimmed(name)) { return index }
    let nearest = NearestName.find(name, among: columns)
    let hint = delimiterHint
    throw FileError(
      path: path, kind: .mismatch,
      reason: "has no column \(name.quoted)"
        + (hint.isEmpty ? nearest.map { "; did you mean \($0.quoted)?" } ?? "" : hint))
  }

  /// What may be wrong where a header has one column that looks like several.
  var delimiterHint: String {
    guard columns.count == 1 else { return "" }
    let other = [";", "\t", "|", ","].first { columns[0].contains($0) }
    return other.map {
      "; its header is one column, '\(columns[0].prefix(60))': is the delimiter "
        + ($0 == "\t" ? "a tab?" : "'\($0)'?")
    } ?? ""
  }

  /// The text of a cell without white space at its ends.
  func trimmed(row: Int, column: Int) -> String {
    CellText.trimmed(text(row: row, column: column))
  }

  /// The line of the file on which a row begins, counted from 1.
  package func line(ofRow row: Int) -> Int { cells.line(ofRow: row) }

  /// The number in a cell; nil where it is missing: empty, or one of NA, N/A, NaN, null, ? and their
  /// like.
  package func number(row: Int, column: Int) throws(FileError) -> Double? {
    try number(row: row, column: column, remedy: "")
  }

  /// As ``number(row:column:)``; the error about a text that is no number ends in a remedy.
  func number(row: Int, column: Int, remedy: String) throws(FileError) -> Double? {
    let cell = row * columns.count + column
    if let value = DecimalNumber.read(cells.bytes, cells.range(cell)) { return value }
    let text = trimmed(row: row, column: column)
    if CellText.isMissing(text) { return nil }
    guard let value = CellText.number(text) else {
      throw fault(
        row: row, column: column,
        "expected a number, found '\(text.shortened(to: 40))'"
          + (text.unicodeScalars.contains("\r")
            ? "; \(CSVScanner.convertCarriageReturns)" : remedy))
    }
    return value
  }

  /// An error about a cell, with its line and its column's name.
  func fault(row: Int, column: Int, _ reason: String) -> FileError {
    FileError(
      path: path, kind: .corrupt,
      reason: "line \(cells.line(ofRow: row)), column \(columns[column].quoted): \(reason)")
  }
}
