import LockstepFiles

/// A text table with a header row (CSV, RFC 4180).
///
/// Fields may stand in double quotes, with "" for a quote and line breaks inside; lines end in LF or
/// CRLF; a byte-order mark is skipped. Every row has as many fields as the header; blank lines are
/// skipped where there is more than one column.
public struct CSVTable: Sendable {
  /// The file's path.
  public let path: String
  /// The columns' names, unique.
  public let columns: [String]
  /// The number of rows, the header not counted.
  public var rowCount: Int { lines.count }

  private let cells: [String]
  private let lines: [Int]

  /// Reads a file, plain or in gzip, of at most `limit` bytes, inflated.
  public static func read(
    _ path: String, delimiter: Unicode.Scalar = ",", limit: Int = 1 << 30
  ) throws(FileError) -> CSVTable {
    var bytes = try FileInput.contents(of: path, limit: limit)
    if Gzip.isCompressed(bytes) { bytes = try Gzip.inflate(bytes, path: path, limit: limit) }
    return try parse(bytes, path: path, delimiter: delimiter)
  }

  /// Parses the bytes of a file.
  public static func parse(
    _ bytes: [UInt8], path: String, delimiter: Unicode.Scalar = ","
  ) throws(FileError) -> CSVTable {
    guard delimiter.isASCII, !["\"", "\n", "\r"].contains(delimiter) else {
      throw FileError(
        path: path, kind: .mismatch, reason: "'\(delimiter)' cannot be the delimiter of a table")
    }
    try TextEncoding.check(bytes, path: path)
    var scanner = CSVScanner(bytes, path: path, delimiter: UInt8(ascii: delimiter))
    guard let header = try scanner.nextRow() else {
      throw FileError(path: path, kind: .truncated, reason: "is empty; expected a header row")
    }
    let columns = try names(header, path)
    var cells: [String] = []
    var lines: [Int] = []
    while let row = try scanner.nextRow() {
      if row == [""], header.count > 1 { continue }
      guard row.count == header.count else {
        throw FileError(
          path: path, kind: .corrupt,
          reason: "line \(scanner.rowLine): expected \(header.count) fields, found \(row.count)")
      }
      cells += row
      lines.append(scanner.rowLine)
    }
    return CSVTable(path: path, columns: columns, cells: cells, lines: lines)
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
          "the header has a CR that ends no line; convert the file: tr '\\r' '\\n' < FILE > NEW")
    }
    var places: [String: Int] = [:]
    for (place, name) in names.enumerated() {
      guard let first = places.updateValue(place, forKey: name) else { continue }
      throw FileError(
        path: path, kind: .corrupt,
        reason: name.isEmpty
          ? "the columns \(first + 1) and \(place + 1) have no name in the header; give them names"
          : "the header has the column '\(name)' twice")
    }
    return names
  }

  private init(path: String, columns: [String], cells: [String], lines: [Int]) {
    self.path = path
    self.columns = columns
    self.cells = cells
    self.lines = lines
  }

  /// The text of a cell.
  public func text(row: Int, column: Int) -> String { cells[row * columns.count + column] }

  /// The index of a column; an error that names the nearest one where there is none.
  public func column(_ name: String) throws(FileError) -> Int {
    if let index = columns.firstIndex(of: CellText.trimmed(name)) { return index }
    let nearest = NearestName.find(name, among: columns)
    throw FileError(
      path: path, kind: .mismatch,
      reason: "has no column '\(name)'"
        + (nearest.map { "; did you mean '\($0)'?" } ?? delimiterHint))
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
  public func line(ofRow row: Int) -> Int { lines[row] }

  /// The number in a cell; nil where it is missing: empty, or one of NA, N/A, NaN, null, ? and their
  /// like.
  public func number(row: Int, column: Int) throws(FileError) -> Double? {
    let text = trimmed(row: row, column: column)
    if CellText.isMissing(text) { return nil }
    guard let value = CellText.number(text) else {
      throw fault(row: row, column: column, "expected a number, found '\(text.prefix(40))'")
    }
    return value
  }

  /// An error about a cell, with its line and its column's name.
  func fault(row: Int, column: Int, _ reason: String) -> FileError {
    FileError(
      path: path, kind: .corrupt,
      reason: "line \(lines[row]), column '\(columns[column])': \(reason)")
  }
}

/// Cuts the bytes of a table into rows of fields.
private struct CSVScanner {
  let bytes: [UInt8]
  let path: String
  let delimiter: UInt8
  var position = 0
  var line = 1
  /// The line on which the last row began.
  var rowLine = 1

  init(_ bytes: [UInt8], path: String, delimiter: UInt8) {
    self.bytes = bytes
    self.path = path
    self.delimiter = delimiter
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
  }

  /// The next row's fields; nil at the end.
  mutating func nextRow() throws(FileError) -> [String]? {
    guard position < bytes.count else { return nil }
    rowLine = line
    var row: [String] = []
    while true {
      row.append(try nextField())
      guard position < bytes.count else { return row }
      let byte = bytes[position]
      position += 1
      if byte == delimiter { continue }
      // A field ends at a delimiter, at a line's end, or at the end of all.
      if byte == UInt8(ascii: "\r") { position += 1 }
      line += 1
      return row
    }
  }

  /// Whether a line ends here.
  private var isLineEnd: Bool {
    bytes[position] == UInt8(ascii: "\n")
      || bytes[position] == UInt8(ascii: "\r") && position + 1 < bytes.count
        && bytes[position + 1] == UInt8(ascii: "\n")
  }

  private mutating func nextField() throws(FileError) -> String {
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      let start = position
      while position < bytes.count, bytes[position] != delimiter, !isLineEnd { position += 1 }
      return try text(bytes[start..<position])
    }
    let start = line
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
          position += 1
        } else {
          guard position == bytes.count || bytes[position] == delimiter || isLineEnd else {
            throw FileError(
              path: path, kind: .corrupt,
              reason: "line \(line): expected the end of a field behind its closing quote")
          }
          return try text(content[...])
        }
      } else if byte == UInt8(ascii: "\n") {
        line += 1
      }
      content.append(byte)
    }
    throw FileError(
      path: path, kind: .truncated, reason: "line \(start): a quoted field has no closing quote")
  }

  private func text(_ field: ArraySlice<UInt8>) throws(FileError) -> String {
    guard let text = String(validating: field, as: UTF8.self) else {
      throw FileError(path: path, kind: .corrupt, reason: "line \(line): the text is not UTF-8")
    }
    return text
  }
}
