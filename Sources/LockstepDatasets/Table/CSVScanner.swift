import LockstepFiles

/// Cuts the bytes of a table, which come in pieces, into rows of fields (RFC 4180).
///
/// A field goes to the cells of its column as soon as it has an end. A row is checked while it is cut:
/// one with far too many fields, or a field without an end, is refused before it fills the memory.
struct CSVScanner {
  /// The most columns that a table may have.
  static let columnLimit = 1 << 20
  /// The longest field, in bytes.
  static let fieldLimit = 1 << 24
  /// A row with more superfluous fields than these is not counted to its end.
  private static let countLimit = 10_000
  /// How many bytes show the encoding and the delimiter.
  private static let startLength = 1 << 14
  /// What to do with a file whose lines end in CR.
  static let convertCarriageReturns = "convert the file: tr '\\r' '\\n' < FILE > NEW"

  /// Where in a row the scanner stands.
  enum Place {
    case fieldStart
    case unquoted
    /// Behind a carriage return, which belongs to the line's end if a line feed follows.
    case carriageReturn
    case quoted
    /// Behind a quote in a quoted field: its end, or the first of two.
    case closingQuote
    /// Behind a closing quote and a carriage return.
    case closedCarriageReturn
    /// In a line that is passed over.
    case comment
  }

  private(set) var path: String
  /// How the table is written, its delimiter once it is known.
  private(set) var dialect: CSVDialect
  var delimiter = UInt8(ascii: ",")
  let quote: UInt8?
  private let comment: UInt8?
  private let required: Set<String>
  var place = Place.fieldStart
  /// The first bytes, until there are enough of them to know how the text is written.
  private var start: [UInt8]? = []

  /// The columns' names, of all files; nil until the first row was read.
  private(set) var header: [String]?
  /// The fields of the row that names columns, or shows how many there are.
  private var names: [String] = []
  /// The column of each field of this file; nil until its first row was read.
  private var columns: [Int]?
  private(set) var cells: TableCells
  /// The number of rows of a block, where cells are taken block by block; nil where all stay here.
  let blockRows: Int?
  private(set) var places = RowPlaces()
  /// The fields of this row so far.
  var field = 0
  /// The bytes of a field that is quoted, or that several pieces hold.
  var buffer: [UInt8] = []
  /// All bytes of the field at hand, joined by "or".
  var bits: UInt8 = 0
  var line = 1
  private var rowLine = 1
  var quoteLine = 1
  /// The rows of the files before this one.
  private var earlierRows = 0
  private var headerHasLoneCarriageReturn = false
  /// What is wrong with a header that holds a CR, as long as it may be the whole file.
  private var headerFault: FileError?
  /// Whether a CR without LF stands in this row, outside of quotes.
  var hasLoneCarriageReturn = false

  /// - Parameters:
  ///   - required: the names of columns that are kept as texts, whatever they hold.
  ///   - blockRows: the number of rows of a block, where cells are taken block by block.
  init(
    path: String, _ dialect: CSVDialect, texts required: Set<String> = [], blockRows: Int? = nil
  ) {
    self.blockRows = blockRows
    self.path = path
    self.dialect = dialect
    self.required = required
    quote = dialect.quote.map { UInt8(ascii: $0) }
    comment = dialect.comment.map { UInt8(ascii: $0) }
    cells = TableCells(columnCount: 0, texts: [], point: dialect.point)
  }

  /// Goes on with the next file of a table, once this one has ended.
  mutating func begin(next path: String) {
    self.path = path
    earlierRows = cells.rowCount
    start = []
    (place, field, bits, line, rowLine, quoteLine) = (.fieldStart, 0, 0, 1, 1, 1)
    (columns, names) = (nil, [])
    (headerHasLoneCarriageReturn, hasLoneCarriageReturn) = (false, false)
  }

  /// Ends a file, once all bytes of it were given.
  mutating func finish() throws(FileError) {
    if let start { try begin(start) }
    switch place {
    case .fieldStart where field == 0, .comment: break
    case .quoted:
      throw FileError(
        path: path, kind: .truncated,
        reason: "line \(quoteLine): a quoted field has no closing quote")
    case .carriageReturn:
      append(UInt8(ascii: "\r"))
      try endBufferedRow()
    case .fieldStart, .unquoted, .closingQuote, .closedCarriageReturn: try endBufferedRow()
    }
    if line <= 2, cells.rowsSoFar == 0, headerHasLoneCarriageReturn { throw onlyCarriageReturns }
    if let headerFault { throw headerFault }
    guard columns != nil else {
      throw FileError(
        path: path, kind: .truncated,
        reason: dialect.hasHeader ? "is empty; expected a header row" : "is empty")
    }
    cells.settle()
  }

  /// Takes the rows away where they are enough for a block, or the last ones; nil where they are not.
  mutating func takeBlock(isLast: Bool = false) -> TableCells? {
    guard cells.rowCount > 0, isLast || cells.isBlock(rows: blockRows ?? .max) else { return nil }
    defer { cells.removeRows() }
    return cells
  }

  /// Makes room for the cells of a file of so many bytes, judged by what was scanned so far.
  mutating func reserve(size: Int, scanned: Int) {
    let found = cells.rowCount - earlierRows
    guard blockRows == nil, found > 0, scanned > 0 else { return }
    let rows = Double(found) * Double(size - scanned) / Double(scanned)
    cells.reserve(rows: Int(min(1.05 * rows + 64, Double(size))))
  }

  /// Takes the next bytes.
  mutating func consume(_ piece: UnsafeRawBufferPointer) throws(FileError) {
    guard var start else { return try scan(piece.bindMemory(to: UInt8.self)) }
    start.append(contentsOf: piece)
    self.start = start
    guard start.count >= Self.startLength else { return }
    try begin(start)
  }

  /// Takes the first bytes, which show how the text is written.
  private mutating func begin(_ start: [UInt8]) throws(FileError) {
    self.start = nil
    try TextEncoding.check(start: start, path: path)
    dialect = dialect.resolved(by: start)
    delimiter = dialect.delimiter.map { UInt8(ascii: $0) } ?? UInt8(ascii: ",")
    places.begin(path, row: cells.rowsSoFar)
    var failure: FileError?
    let mark = start.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    start.withUnsafeBufferPointer { bytes in
      do throws(FileError) {
        try scan(UnsafeBufferPointer(rebasing: bytes[mark...]))
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  // MARK: - Fields and rows

  /// Whether a field at the beginning of a row is a line that is passed over.
  func isComment(_ byte: UInt8) -> Bool { field == 0 && byte == comment }

  /// The column of the field at hand; nil where there is none.
  @inline(__always)
  private var column: Int? {
    guard let columns, field < columns.count else { return nil }
    return columns[field]
  }

  /// Takes a whole number of the field at hand, where its column is one of numbers.
  @inline(__always)
  mutating func takeNumber(_ value: Double) {
    if let column { cells.take(value, column: column) }
    field += 1
  }

  /// Whether the field at hand is one of a column of numbers.
  @inline(__always)
  var isNumber: Bool { column.map { cells.isNumber($0) } ?? false }

  /// Whether the field at hand is one too many: it is counted, and not kept.
  var isSuperfluous: Bool { columns.map { field >= $0.count } ?? false }

  /// Ends the field whose bytes are in the buffer.
  mutating func endBufferedField() throws(FileError) {
    var bytes: [UInt8] = []
    swap(&bytes, &buffer)
    var failure: FileError?
    bytes.withUnsafeBufferPointer { bytes in
      do throws(FileError) { try endField(bytes) } catch { failure = error }
    }
    bytes.removeAll(keepingCapacity: true)
    swap(&bytes, &buffer)
    if let failure { throw failure }
  }

  /// Ends the field whose bytes are in the buffer, and its row.
  mutating func endBufferedRow() throws(FileError) {
    let isBlank = buffer.isEmpty
    try endBufferedField()
    try endRow(isBlank: isBlank)
  }

  /// Ends the field at hand, which has these bytes.
  mutating func endField(_ bytes: UnsafeBufferPointer<UInt8>) throws(FileError) {
    place = .fieldStart
    if bits & 0x80 != 0 {
      guard isSuperfluous || String(validating: bytes, as: UTF8.self) != nil else {
        throw corrupt("line \(line)\(columnName): \(Self.invalidText(bytes))")
      }
      bits = 0
    }
    guard let columns else {
      guard field < Self.columnLimit else {
        throw FileError(
          path: path, kind: .tooLarge, reason: "has more than \(Self.columnLimit) columns")
      }
      names.append(String(decoding: bytes, as: UTF8.self))
      field += 1
      return
    }
    if field < columns.count {
      cells.take(bytes, column: columns[field])
    } else if field >= columns.count + Self.countLimit {
      throw corrupt(
        "line \(rowLine): expected \(counted(columns.count, "field")), found more than \(field)"
          + Self.delimiterHint(columns.count)
          + (hasLoneCarriageReturn ? "; it" + Self.loneCarriageReturn : ""))
    }
    field += 1
  }

  /// What may be wrong where the first row is one cell, and others are more.
  private static func delimiterHint(_ columns: Int) -> String {
    columns == 1 ? "; the first row is one cell: is 'data.delimiter' what the file has?" : ""
  }

  /// Ends the row at hand, all of whose fields have ended. `isBlank` where it is one empty field.
  mutating func endRow(isBlank: Bool = false) throws(FileError) {
    defer {
      field = 0
      line += 1
      rowLine = line
      hasLoneCarriageReturn = false
    }
    guard let columns else { return try readFirstRow() }
    if isBlank, field == 1, columns.count > 1 { return }
    guard field == columns.count else {
      throw corrupt(
        "line \(rowLine): expected \(counted(columns.count, "field")), found \(field)"
          + Self.delimiterHint(columns.count)
          + (hasLoneCarriageReturn ? "; it" + Self.loneCarriageReturn : ""))
    }
    places.note(row: cells.rowsSoFar, line: rowLine)
    cells.endRow()
  }

  /// Passes over a line that holds no row.
  mutating func passLine() { rowLine = line }

  /// Takes the names of the columns, or a first row without names.
  private mutating func readFirstRow() throws(FileError) {
    headerHasLoneCarriageReturn = hasLoneCarriageReturn
    var found = names.indices.map(CSVDialect.columnName)
    if dialect.hasHeader {
      do throws(FileError) { found = try Self.header(names, path) } catch {
        guard headerHasLoneCarriageReturn else { throw error }
        headerFault = error
      }
    }
    if let header {
      columns = try Self.columns(found, as: header, path)
    } else {
      header = found
      columns = Array(found.indices)
      let texts = found.indices.filter { required.contains(found[$0]) }
      cells = TableCells(columnCount: found.count, texts: Set(texts), point: dialect.point)
    }
    guard !dialect.hasHeader, let columns else { return }
    for (column, text) in zip(columns, names) {
      var text = text
      text.withUTF8 { cells.take($0, column: column) }
    }
    places.note(row: cells.rowsSoFar, line: rowLine)
    cells.endRow()
  }

  /// The column of each field of a further file of a table.
  private static func columns(
    _ names: [String], as header: [String], _ path: String
  ) throws(FileError) -> [Int] {
    let places = Dictionary(uniqueKeysWithValues: header.enumerated().map { ($1, $0) })
    let columns = names.compactMap { places[$0] }
    guard columns.count == names.count, names.count == header.count else {
      let missing = header.filter { !names.contains($0) }
      let more = names.filter { places[$0] == nil }
      throw FileError(
        path: path, kind: .mismatch,
        reason: "has other columns than the table's first file: it "
          + ((missing.isEmpty
          ? [] : ["lacks \(missing.prefix(6).map(\.quoted).joined(separator: ", "))"])
          + (more.isEmpty
            ? [] : ["has \(more.prefix(6).map(\.quoted).joined(separator: ", ")) besides"]))
          .joined(separator: " and "))
    }
    return columns
  }

  /// The names of a header, without white space at their ends, which differ from each other.
  private static func header(
    _ header: [String], _ path: String
  ) throws(FileError) -> [String] {
    let names = header.map(CellText.trimmed)
    if names.contains(where: { $0.contains("\r" as Character) }) {
      throw FileError(
        path: path, kind: .corrupt,
        reason: "the header has a CR that ends no line; \(convertCarriageReturns)")
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
}

/// What is wrong with a text, in words.
extension CSVScanner {
  /// `, column 'name'`, of the field at hand; empty in the header.
  private var columnName: String {
    guard let header, let column, header.indices.contains(column) else { return "" }
    return ", column \(header[column].quoted)"
  }

  /// Where the field at hand is no text.
  private static func invalidText(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    let place = Array(bytes).firstInvalidUTF8 ?? 0
    return
      "byte \(place + 1) of the cell is not UTF-8, and nothing is repaired; convert the file: iconv -f "
      + "LATIN1 -t UTF-8 FILE > NEW"
  }

  func corrupt(_ reason: String) -> FileError {
    FileError(path: path, kind: .corrupt, reason: reason)
  }

  /// What is wrong with a line that holds a CR without LF outside of quotes.
  static let loneCarriageReturn =
    " holds a CR that ends no line; \(convertCarriageReturns)"

  var onlyCarriageReturns: FileError {
    corrupt(
      "its lines end in CR alone, as old Mac programs write them; convert it: "
        + "tr '\\r' '\\n' < FILE > NEW")
  }
}
