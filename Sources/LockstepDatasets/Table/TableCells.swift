import LockstepFiles

/// The cells of a table: numbers of columns that hold nothing else, and the texts of all others.
///
/// The first rows show what a column holds. One that turns out to hold texts further down is remembered:
/// the table is read again then, with that column as texts.
struct TableCells: Sendable {
  /// So many rows, or bytes of them, show what columns hold.
  private static let sample = (rows: 1024, bytes: 1 << 20)

  /// So many bytes of cells are a block of a table that is stored, whatever their rows.
  private static let blockBytes = 1 << 24

  /// How the cells of a column are kept.
  enum Form: Sendable, Equatable {
    /// As the number at this place of each row.
    case number(Int)
    /// As the text at this place of each row.
    case text(Int)
  }

  /// How the cells of each column are kept.
  private(set) var forms: [Form]
  /// The columns that were taken for numbers and hold a text.
  private(set) var mistaken: Set<Int> = []
  /// The numbers of all rows, one row behind the other; NaN where a value is missing.
  private(set) var numbers: [Double] = []
  /// The numbers of the texts of all rows.
  private(set) var codes: [UInt32] = []
  private(set) var texts: [TextDictionary]
  private(set) var numberCount = 0
  private(set) var textCount: Int
  /// The number of rows that are here.
  private(set) var rowCount = 0
  /// The number of rows that were here before, and went to a block of their own.
  private(set) var rowsBefore = 0
  /// The byte between the whole digits and the fraction's.
  let point: UInt8

  /// Whether what columns hold is still to be found out.
  private var isSampling = true
  private var sampledBytes = 0
  private let required: Set<Int>
  /// The cells of the row at hand, by columns: a number, or the number of a text.
  private var rowNumbers: [Double]
  private var rowCodes: [UInt32]

  /// - Parameter required: the columns that are kept as texts, whatever they hold.
  init(columnCount: Int, texts required: Set<Int>, point: UInt8) {
    self.required = required
    self.point = point
    forms = (0..<columnCount).map { .text($0) }
    texts = (0..<columnCount).map { _ in TextDictionary() }
    textCount = columnCount
    rowNumbers = []
    rowCodes = [UInt32](repeating: 0, count: columnCount)
  }

  /// Cells that a file holds.
  init(
    forms: [Form], numbers: [Double], codes: [UInt32], texts: [TextDictionary], rows: Int,
    point: UInt8
  ) {
    self.forms = forms
    self.numbers = numbers
    self.codes = codes
    self.texts = texts
    self.point = point
    numberCount = rows == 0 ? 0 : numbers.count / rows
    textCount = texts.count
    rowCount = rows
    (required, rowNumbers, rowCodes, isSampling) = ([], [], [], false)
  }

  // MARK: Blocks

  /// The number of all rows so far.
  var rowsSoFar: Int { rowsBefore + rowCount }

  /// Whether the rows are enough for a block, of so many rows at the most or of as many bytes.
  func isBlock(rows: Int) -> Bool {
    !isSampling && (rowCount >= rows || size >= Self.blockBytes)
  }

  /// The bytes that the cells take.
  private var size: Int {
    texts.reduce(8 * numbers.count + 4 * codes.count) { $0 + $1.size + 24 * $1.count }
  }

  /// Takes the rows away, which went to a block.
  mutating func removeRows() {
    rowsBefore += rowCount
    rowCount = 0
    numbers.removeAll(keepingCapacity: true)
    codes.removeAll(keepingCapacity: true)
    // A piece of the file may end within a row: what the row at hand has so far goes on.
    for place in texts.indices {
      var next = TextDictionary()
      let code = Int(rowCodes[place])
      if code < texts[place].count {
        rowCodes[place] = texts[place].withBytes(code) { next.number(of: $0) }
      }
      texts[place] = next
    }
  }

  // MARK: Filling

  /// Whether a column's cells are kept as numbers.
  func isNumber(_ column: Int) -> Bool {
    if case .number = forms[column] { true } else { false }
  }

  /// Takes a number for the row at hand. The column is one of numbers.
  mutating func take(_ number: Double, column: Int) {
    if case .number(let place) = forms[column] { rowNumbers[place] = number }
  }

  /// Takes the bytes of a cell for the row at hand.
  mutating func take(_ bytes: UnsafeBufferPointer<UInt8>, column: Int) {
    switch forms[column] {
    case .text(let place):
      rowCodes[place] = texts[place].number(of: bytes)
      if isSampling { sampledBytes += bytes.count }
    case .number(let place):
      let value = Self.value(bytes, point)
      rowNumbers[place] = value ?? .nan
      if value == nil { mistaken.insert(column) }
    }
  }

  /// Ends the row at hand.
  mutating func endRow() {
    numbers.append(contentsOf: rowNumbers)
    codes.append(contentsOf: rowCodes)
    rowCount += 1
    if isSampling, rowCount >= Self.sample.rows || sampledBytes >= Self.sample.bytes { settle() }
  }

  /// Finds out what columns hold by the rows so far.
  mutating func settle() {
    guard isSampling else { return }
    isSampling = false
    let areNumbers = forms.indices.map { column in
      !required.contains(column)
        && (0..<texts[column].count).allSatisfy { number in
          texts[column].withBytes(number) { Self.value($0, point) } != nil
        }
    }
    let sampled = (texts: texts, codes: codes, width: forms.count)
    (forms, texts, codes, numberCount) = ([], [], [], 0)
    for (column, isNumber) in areNumbers.enumerated() {
      if isNumber {
        forms.append(.number(numberCount))
        numberCount += 1
      } else {
        forms.append(.text(texts.count))
        texts.append(sampled.texts[column])
      }
    }
    textCount = texts.count
    rowNumbers = [Double](repeating: .nan, count: numberCount)
    rowCodes = [UInt32](repeating: 0, count: textCount)
    let values = areNumbers.enumerated().map { column, isNumber in
      isNumber
        ? (0..<sampled.texts[column].count).map { number in
          sampled.texts[column].withBytes(number) { Self.value($0, point) } ?? .nan
        } : []
    }
    for row in 0..<rowCount {
      for column in forms.indices {
        let code = sampled.codes[row * sampled.width + column]
        if areNumbers[column] {
          numbers.append(values[column][Int(code)])
        } else {
          codes.append(code)
        }
      }
    }
  }

  /// Makes room for so many rows more.
  mutating func reserve(rows: Int) {
    settle()
    numbers.reserveCapacity((rowCount + rows) * numberCount)
    codes.reserveCapacity((rowCount + rows) * textCount)
  }

  /// The number that a cell is, NaN where it is missing; nil for any other text.
  private static func value(_ bytes: UnsafeBufferPointer<UInt8>, _ point: UInt8) -> Double? {
    if bytes.isEmpty { return .nan }
    if let number = DecimalNumber.read(bytes, point: point) { return number }
    guard bytes.count <= 64 else { return nil }
    let text = CellText.trimmed(String(decoding: bytes, as: UTF8.self))
    return CellText.isMissing(text) ? .nan : CellText.number(text, point: point)
  }
}
