import LockstepFiles

/// The cells of a table in a file, where they are read block by block and column by column.
///
/// The file holds numbers as they are and texts by their numbers among those of the block: nothing is cut,
/// rounded or left out. So what is learned from it is what the table in memory shows.
///
/// | part | content |
/// |---|---|
/// | blocks | of some thousand rows, each column by column: Float64, or UInt32 and the block's different texts |
/// | index | Int64: of each block its rows, its first byte, and the number and the bytes of each column's texts |
/// | places | Int64: where rows do not stand one line behind the other |
/// | names | JSON: columns, kinds, how the table is written |
/// | end | the lengths of the three, and a mark |
struct StoredTable: TableBlocks {
  /// The version of the format, and of what cells mean: a file of another one is made anew.
  static let version = 1
  private static let mark = 0x4c53_4345_4c4c_0001

  let header: TableHeader
  let places: RowPlaces
  let rowCount: Int
  let dialect: CSVDialect
  /// What the file was made of.
  let contents: Fingerprint
  var isStored: Bool { true }

  private let areNumbers: [Bool]
  private let blocks: [Block]
  private let file: FileInput

  /// Where the cells of some rows lie.
  private struct Block {
    let firstRow: Int
    let rows: Int
    /// Where each column begins.
    let starts: [Int]
    /// The number and the bytes of each column's texts; 0 of numbers.
    let texts: [(count: Int, bytes: Int)]
  }

  func isNumber(_ column: Int) -> Bool { areNumbers[column] }

  func forEachBlock(
    of columns: [Int], _ body: (CSVTable) throws(FileError) -> Void
  ) throws(FileError) {
    for block in blocks { try body(try read(block, columns)) }
  }

  /// The rows around a row: the block that it is in.
  func block(around row: Int, of columns: [Int]) throws(FileError) -> CSVTable {
    let place = blocks.firstIndex { row < $0.firstRow + $0.rows } ?? blocks.count - 1
    return try read(blocks[place], columns)
  }

  // MARK: Reading

  /// Opens a file of cells.
  ///
  /// - Parameters:
  ///   - files: the table's, as errors name them.
  ///   - contents: what it was made of.
  /// - Throws: `FileError` where it is damaged.
  init(_ path: String, of files: [String], contents: Fingerprint) throws(FileError) {
    let file = try FileInput(path)
    func damaged() -> FileError {
      FileError(
        path: path, kind: .corrupt, reason: "is no file of a table's cells, or damaged: remove it")
    }
    guard file.size >= 32 else { throw damaged() }
    let end = try file.integers(4, at: file.size - 32)
    guard end[3] == Self.mark, end[0...2].allSatisfy({ $0 >= 0 && $0 <= file.size }),
      end[0] + end[1] + end[2] + 32 <= file.size
    else { throw damaged() }
    let start = file.size - 32 - end[0] - end[1] - end[2]
    let index = try file.integers(end[0] / 8, at: start)
    let places = try file.integers(end[1] / 8, at: start + end[0])
    let text = try file.bytes(start + end[0] + end[1]..<file.size - 32)
    guard let names = try? JSONValue.parse(text, source: path) else { throw damaged() }
    guard let columns = names["columns"]?.texts, let numbers = names["numbers"]?.arrayValue,
      let dialect = CSVDialect(names), let first = files.first,
      let found = RowPlaces(files, places), numbers.count == columns.count
    else { throw damaged() }
    header = TableHeader(path: first, columns: columns)
    self.places = found
    self.dialect = dialect
    self.contents = contents
    self.file = file
    areNumbers = numbers.map { $0.boolValue ?? false }
    guard let blocks = Self.blocks(index, areNumbers) else { throw damaged() }
    self.blocks = blocks
    rowCount = blocks.last.map { $0.firstRow + $0.rows } ?? 0
  }

  private static func blocks(_ index: [Int], _ areNumbers: [Bool]) -> [Block]? {
    let length = 2 + 2 * areNumbers.count
    guard index.count.isMultiple(of: length) else { return nil }
    var (blocks, firstRow): ([Block], Int) = ([], 0)
    for start in stride(from: 0, to: index.count, by: length) {
      let rows = index[start]
      var (offset, starts): (Int, [Int]) = (index[start + 1], [])
      var texts: [(count: Int, bytes: Int)] = []
      for (column, isNumber) in areNumbers.enumerated() {
        let own = (count: index[start + 2 + 2 * column], bytes: index[start + 3 + 2 * column])
        starts.append(offset)
        texts.append(own)
        offset += isNumber ? 8 * rows : 4 * rows + 8 * own.count + own.bytes
      }
      blocks.append(Block(firstRow: firstRow, rows: rows, starts: starts, texts: texts))
      firstRow += rows
    }
    return blocks
  }

  private func read(_ block: Block, _ columns: [Int]) throws(FileError) -> CSVTable {
    // Columns that nobody asked for have no cells.
    var forms = areNumbers.map { $0 ? TableCells.Form.number(-1) : .text(-1) }
    let numbered = columns.filter { areNumbers[$0] }
    let named = columns.filter { !areNumbers[$0] }
    for (place, column) in numbered.enumerated() { forms[column] = .number(place) }
    for (place, column) in named.enumerated() { forms[column] = .text(place) }
    let numbers = try file.rows(
      of: numbered.map { block.starts[$0] }, count: block.rows, zero: 0.0)
    let codes = try file.rows(
      of: named.map { block.starts[$0] }, count: block.rows, zero: UInt32(0))
    var texts: [TextDictionary] = []
    for column in named {
      let (start, own) = (block.starts[column] + 4 * block.rows, block.texts[column])
      texts.append(
        TextDictionary(
          ends: try file.integers(own.count, at: start),
          bytes: try file.bytes(start + 8 * own.count..<start + 8 * own.count + own.bytes)))
    }
    return CSVTable(
      header,
      TableCells(
        forms: forms, numbers: numbers, codes: codes, texts: texts, rows: block.rows,
        point: dialect.point), places, dialect, firstRow: block.firstRow)
  }

  // MARK: Writing

  /// Scans the files of a table, and writes its cells.
  ///
  /// - Parameters:
  ///   - texts: the columns whose texts are needed as they are, though they look like numbers.
  ///   - blockRows: the number of rows of a block, about.
  /// - Throws: ``MistakenColumns`` where columns that began with numbers hold texts; `FileError`.
  static func write(
    _ paths: [String], _ dialect: CSVDialect, texts: Set<String>, blockRows: Int,
    to output: inout AtomicFile.Output
  ) throws {
    guard let first = paths.first else {
      throw FileError(path: "", kind: .mismatch, reason: "a table has at least one file")
    }
    try dialect.check(first)
    var scanner = CSVScanner(path: first, dialect, texts: texts, blockRows: blockRows)
    var index: [Int] = []
    func pause(_ scanner: inout CSVScanner, isLast: Bool = false) throws(FileError) {
      guard let block = scanner.takeBlock(isLast: isLast) else { return }
      // What a column held so far is written in vain where it turns out to hold texts.
      guard block.mistaken.isEmpty else { return }
      index += [block.rowCount, output.count]
      for form in block.forms {
        switch form {
        case .number(let place):
          index += [0, 0]
          try output.append(
            (0..<block.rowCount).map { block.numbers[$0 * block.numberCount + place] })
        case .text(let place):
          index += [block.texts[place].count, block.texts[place].size]
          try output.append((0..<block.rowCount).map { block.codes[$0 * block.textCount + place] })
          try block.texts[place].forEachPart { part throws(FileError) in try output.append(part) }
        }
      }
    }
    for (place, path) in paths.enumerated() {
      if place > 0 { scanner.begin(next: path) }
      try TableFile.scan(path, limit: .max, into: &scanner) { scanner throws(FileError) in
        try pause(&scanner)
      }
      try scanner.finish()
    }
    try pause(&scanner, isLast: true)
    guard scanner.cells.mistaken.isEmpty else {
      throw MistakenColumns(names: Set(scanner.mistaken))
    }
    try end(scanner, index, &output)
  }

  private static func end(
    _ scanner: CSVScanner, _ index: [Int], _ output: inout AtomicFile.Output
  ) throws(FileError) {
    var names: JSONObject = [
      "columns": .array((scanner.header ?? []).map { .string($0) }),
      "numbers": .array(scanner.cells.forms.indices.map { .bool(scanner.cells.isNumber($0)) }),
    ]
    for (key, value) in scanner.dialect.json.members { names[key] = value }
    let text = Array(JSONValue.object(names).compactText.utf8)
    let places = scanner.places.numbers
    try output.append(index)
    try output.append(places)
    try output.append(text)
    try output.append([8 * index.count, 8 * places.count, text.count, mark])
  }
}

/// Columns that began with numbers and hold texts further down.
struct MistakenColumns: Error {
  let names: Set<String>
}

extension AtomicFile.Output {
  /// Appends the memory of values without padding.
  mutating func append<Value: BitwiseCopyable>(_ values: [Value]) throws(FileError) {
    var failure: FileError?
    values.withUnsafeBytes { bytes in
      do throws(FileError) { if !bytes.isEmpty { try append(bytes) } } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

extension FileInput {
  /// Integers of 64 bits.
  func integers(_ count: Int, at offset: Int) throws(FileError) -> [Int] {
    try values(count, at: offset, zero: 0)
  }

  /// The memory of values without padding.
  func values<Value: BitwiseCopyable>(
    _ count: Int, at offset: Int, zero: Value
  ) throws(FileError) -> [Value] {
    var values = [Value](repeating: zero, count: count)
    var failure: FileError?
    values.withUnsafeMutableBytes { bytes in
      do throws(FileError) { try read(into: bytes, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  /// The rows of columns that lie by themselves.
  fileprivate func rows<Value: BitwiseCopyable>(
    of columns: [Int], count: Int, zero: Value
  ) throws(FileError) -> [Value] {
    if columns.count == 1 { return try values(count, at: columns[0], zero: zero) }
    var rows = [Value](repeating: zero, count: count * columns.count)
    for (place, start) in columns.enumerated() {
      let column = try values(count, at: start, zero: zero)
      for row in 0..<count { rows[row * columns.count + place] = column[row] }
    }
    return rows
  }
}
