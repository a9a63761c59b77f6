import LockstepFiles

/// Cuts the bytes of a table, which come in pieces, into rows of fields (RFC 4180).
///
/// The fields of all rows are kept one after the other in one array of bytes, without quotes,
/// delimiters and line ends; of each field only its end is noted. A row is checked while it is cut:
/// one with far too many fields, or a field without an end, is refused before it fills the memory.
package struct CSVScanner {
  /// The most columns that a table may have.
  package static let columnLimit = 1 << 20
  /// The longest field, in bytes.
  package static let fieldLimit = 1 << 24
  /// A row with more superfluous fields than these is not counted to its end.
  private static let countLimit = 10_000
  /// How many bytes show the encoding.
  private static let startLength = 4096
  /// What to do with a file whose lines end in CR.
  static let convertCarriageReturns = "convert the file: tr '\\r' '\\n' < FILE > NEW"

  /// Where in a row the scanner stands.
  private enum Place {
    case fieldStart
    case unquoted
    /// Behind a carriage return, which belongs to the line's end if a line feed follows.
    case carriageReturn
    case quoted
    /// Behind a quote in a quoted field: its end, or the first of two.
    case closingQuote
    /// Behind a closing quote and a carriage return.
    case closedCarriageReturn
  }

  private let path: String
  private let delimiter: UInt8
  private var place = Place.fieldStart
  /// The first bytes, until there are enough of them to know the encoding.
  private var start: [UInt8]? = []

  private var header: [String]?
  /// The number of columns; unbounded until the header was read.
  private var columnCount = Int.max
  private var cells = CSVCells()
  /// The fields of this row so far, and where the one at hand begins among the bytes.
  private var field = 0
  private var fieldStart = 0
  /// All bytes of the field at hand, joined by "or".
  private var bits: UInt8 = 0
  private var line = 1
  private var rowLine = 1
  private var quoteLine = 1
  private var headerHasLoneCarriageReturn = false
  /// Whether a CR without LF stands in this row, outside of quotes.
  private var hasLoneCarriageReturn = false

  package init(path: String, delimiter: UInt8) {
    self.path = path
    self.delimiter = delimiter
  }

  /// The table's column names and cells, once all bytes were given.
  package mutating func finish() throws(FileError) -> (header: [String], cells: CSVCells) {
    if let start { try begin(start) }
    switch place {
    case .fieldStart where field == 0: break
    case .quoted:
      throw FileError(
        path: path, kind: .truncated,
        reason: "line \(quoteLine): a quoted field has no closing quote")
    case .carriageReturn:
      append(UInt8(ascii: "\r"))
      try endRow()
    case .fieldStart, .unquoted, .closingQuote, .closedCarriageReturn: try endRow()
    }
    if line <= 2, cells.count == 0, headerHasLoneCarriageReturn { throw onlyCarriageReturns }
    guard let header else {
      throw FileError(path: path, kind: .truncated, reason: "is empty; expected a header row")
    }
    return (header, cells)
  }

  /// Makes room for the cells of a file of so many bytes, judged by what was scanned so far.
  package mutating func reserve(fileSize: Int, scanned: Int) {
    cells.reserve(growth: Double(fileSize) / Double(max(scanned, 1)), bytes: fileSize)
  }

  /// Takes the next bytes.
  package mutating func consume(_ piece: UnsafeRawBufferPointer) throws(FileError) {
    guard var start else { return try scan(piece) }
    start.append(contentsOf: piece)
    self.start = start
    guard start.count >= Self.startLength else { return }
    try begin(start)
  }

  /// Takes the first bytes, which show the text's encoding.
  private mutating func begin(_ start: [UInt8]) throws(FileError) {
    self.start = nil
    try TextEncoding.check(start: start, path: path)
    try scan(start.starts(with: [0xef, 0xbb, 0xbf]) ? Array(start[3...]) : start)
  }

  private mutating func scan(_ bytes: [UInt8]) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try scan(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  // MARK: - Bytes

  private mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var next = 0
    while next < bytes.count {
      let byte = bytes[next]
      switch place {
      case .fieldStart where byte == UInt8(ascii: "\""):
        place = .quoted
        quoteLine = line
        next += 1
      case .fieldStart, .unquoted:
        next = try unquoted(bytes, from: next)
      case .carriageReturn:
        if byte == UInt8(ascii: "\n") {
          try endRow()
          next += 1
        } else {
          hasLoneCarriageReturn = true
          append(UInt8(ascii: "\r"))
          place = .unquoted
        }
      case .quoted:
        next = try quoted(bytes, from: next)
      case .closingQuote:
        try afterQuote(byte)
        next += 1
      case .closedCarriageReturn:
        guard byte == UInt8(ascii: "\n") else {
          if header == nil { throw onlyCarriageReturns }
          throw corrupt("line \(line)" + Self.loneCarriageReturn)
        }
        try endRow()
        next += 1
      }
    }
  }

  /// Takes an unquoted field's bytes to its end, or to the end of the piece.
  private mutating func unquoted(
    _ bytes: UnsafeRawBufferPointer, from start: Int
  ) throws(FileError) -> Int {
    var end = start
    var bits: UInt8 = 0
    while end < bytes.count {
      let byte = bytes[end]
      if byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
      bits |= byte
      end += 1
    }
    self.bits |= bits
    place = .unquoted
    try append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    guard end < bytes.count else { return end }
    if bytes[end] == delimiter {
      try endField()
    } else if bytes[end] == UInt8(ascii: "\n") {
      try endRow()
    } else {
      place = .carriageReturn
    }
    return end + 1
  }

  /// Takes a quoted field's bytes to the next quote, or to the end of the piece.
  private mutating func quoted(
    _ bytes: UnsafeRawBufferPointer, from start: Int
  ) throws(FileError) -> Int {
    var end = start
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
      if bytes[end] == UInt8(ascii: "\n") { line += 1 }
      bits |= bytes[end]
      end += 1
    }
    try append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    guard end < bytes.count else { return end }
    place = .closingQuote
    return end + 1
  }

  private mutating func afterQuote(_ byte: UInt8) throws(FileError) {
    switch byte {
    case UInt8(ascii: "\""):
      append(byte)
      place = .quoted
    case delimiter: try endField()
    case UInt8(ascii: "\n"): try endRow()
    case UInt8(ascii: "\r"): place = .closedCarriageReturn
    default: throw unexpectedQuote
    }
  }

  private mutating func append(_ byte: UInt8) {
    if !isSuperfluous { cells.bytes.append(byte) }
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    if isSuperfluous || bytes.isEmpty { return }
    guard cells.bytes.count - fieldStart + bytes.count <= Self.fieldLimit else {
      throw FileError(
        path: path, kind: .tooLarge,
        reason: "line \(place == .quoted ? quoteLine : line): a field is longer than "
          + "\(Self.fieldLimit) bytes")
    }
    cells.bytes.append(contentsOf: bytes)
  }

  // MARK: - Fields and rows

  /// Whether the field at hand is one too many: it is counted, and not kept.
  private var isSuperfluous: Bool { field >= columnCount }

  /// `, column 'name'`, of the field at hand; empty in the header.
  private var columnName: String {
    guard let header, header.indices.contains(field) else { return "" }
    return ", column \(header[field].quoted)"
  }

  /// Where the field at hand is no text.
  private var invalidText: String {
    let place = Array(cells.bytes[fieldStart...]).firstInvalidUTF8 ?? 0
    return
      "byte \(place + 1) of the cell is not UTF-8, and nothing is repaired; convert the file: iconv -f "
      + "LATIN1 -t UTF-8 FILE > NEW"
  }

  private mutating func endField() throws(FileError) {
    place = .fieldStart
    if isSuperfluous {
      field += 1
      bits = 0
      guard field <= columnCount + Self.countLimit else {
        throw corrupt(
          "line \(rowLine): expected \(columnCount) fields, found more than \(field)"
            + (hasLoneCarriageReturn ? "; it" + Self.loneCarriageReturn : ""))
      }
      return
    }
    if bits & 0x80 != 0 {
      guard String(validating: cells.bytes[fieldStart...], as: UTF8.self) != nil else {
        throw corrupt("line \(line)\(columnName): \(invalidText)")
      }
      bits = 0
    }
    guard cells.bytes.count <= Int(UInt32.max) else {
      throw FileError(path: path, kind: .tooLarge, reason: "has more than 4 GiB of text")
    }
    guard field < Self.columnLimit else {
      throw FileError(
        path: path, kind: .tooLarge, reason: "has more than \(Self.columnLimit) columns")
    }
    cells.endCell()
    fieldStart = cells.bytes.count
    field += 1
  }

  private mutating func endRow() throws(FileError) {
    try endField()
    defer {
      field = 0
      line += 1
      rowLine = line
      hasLoneCarriageReturn = false
    }
    guard header != nil else { return readHeader() }
    if field == 1, columnCount > 1, cells.isLastEmpty { return cells.dropLast() }
    guard field == columnCount else {
      throw corrupt(
        "line \(rowLine): expected \(columnCount) fields, found \(field)"
          + (hasLoneCarriageReturn ? "; it" + Self.loneCarriageReturn : ""))
    }
    cells.endRow(line: rowLine)
  }

  private mutating func readHeader() {
    headerHasLoneCarriageReturn = hasLoneCarriageReturn
    let names = (0..<cells.count).map { cells.text($0) }
    header = names
    columnCount = names.count
    cells = CSVCells()
    fieldStart = 0
  }

  private func corrupt(_ reason: String) -> FileError {
    FileError(path: path, kind: .corrupt, reason: reason)
  }

  /// What is wrong with a line that holds a CR without LF outside of quotes.
  private static let loneCarriageReturn =
    " holds a CR that ends no line; \(convertCarriageReturns)"

  private var onlyCarriageReturns: FileError {
    corrupt(
      "its lines end in CR alone, as old Mac programs write them; convert it: "
        + "tr '\\r' '\\n' < FILE > NEW")
  }

  private var unexpectedQuote: FileError {
    corrupt("line \(line): expected the end of a field behind its closing quote")
  }
}

/// The cells of a table's rows, as bytes of UTF-8 one behind the other.
package struct CSVCells: Sendable {
  package fileprivate(set) var bytes: [UInt8] = []
  /// Where each cell ends among the bytes.
  private var ends: [UInt32] = []
  /// The number of rows.
  package private(set) var rowCount = 0
  /// The rows that do not begin on the line behind the beginning of the row before, with their lines.
  private var jumps: [(row: Int, line: Int)] = []
  private var lastLine = 1

  /// The number of cells.
  package var count: Int { ends.count }

  /// Where a cell lies among the bytes.
  package func range(_ cell: Int) -> Range<Int> {
    (cell == 0 ? 0 : Int(ends[cell - 1]))..<Int(ends[cell])
  }

  /// A cell's text; the scanner has made sure that it is one.
  package func text(_ cell: Int) -> String { String(decoding: bytes[range(cell)], as: UTF8.self) }

  /// The line on which a row begins, from 1.
  package func line(ofRow row: Int) -> Int {
    var (low, high) = (0, jumps.count)
    while low < high {
      let middle = (low + high) / 2
      if jumps[middle].row <= row { low = middle + 1 } else { high = middle }
    }
    let jump = low == 0 ? (row: 0, line: 2) : jumps[low - 1]
    return jump.line + row - jump.row
  }

  fileprivate var isLastEmpty: Bool { range(count - 1).isEmpty }

  fileprivate mutating func endCell() { ends.append(UInt32(bytes.count)) }

  fileprivate mutating func dropLast() { ends.removeLast() }

  fileprivate mutating func endRow(line: Int) {
    if line != lastLine + 1 { jumps.append((rowCount, line)) }
    lastLine = line
    rowCount += 1
  }

  fileprivate mutating func reserve(growth: Double, bytes total: Int) {
    bytes.reserveCapacity(total)
    ends.reserveCapacity(min(Int(1.05 * growth * Double(ends.count)), total + 1))
  }
}
