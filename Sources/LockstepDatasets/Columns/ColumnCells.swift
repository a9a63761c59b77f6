import LockstepFiles

/// The cells of one column of a table.
struct ColumnCells: Sendable {
  let table: CSVTable
  let column: Int

  var name: String { table.columns[column] }

  /// A cell without white space at its ends.
  func text(_ row: Int) -> String { table.trimmed(row: row, column: column) }

  /// A cell as a number in Float32's range; nil where it is missing.
  func number(_ row: Int, remedy: String) throws(FileError) -> Double? {
    guard let value = try table.number(row: row, column: column, remedy: remedy) else { return nil }
    guard Float(value).isFinite else {
      throw fault(row, "\(CellText.text(value)) is out of the range of Float32")
    }
    return value
  }

  func fault(_ row: Int, _ reason: String) -> FileError {
    table.fault(row: row, column: column, reason)
  }

  /// The numbers of a column that is kept as numbers, NaN where a value is missing.
  struct Numbers: Sendable {
    private let all: [Double]
    private let place: Int
    private let stride: Int

    fileprivate init(_ cells: TableCells, place: Int) {
      (all, self.place, stride) = (cells.numbers, place, cells.numberCount)
    }

    subscript(row: Int) -> Double { all[row * stride + place] }
  }

  /// The numbers, where the column is kept as numbers; nil where it is kept as texts.
  var numbers: Numbers? {
    guard case .number(let place) = table.cells.forms[column] else { return nil }
    return Numbers(table.cells, place: place)
  }

  /// What some rows hold, missing values aside.
  struct Distinct {
    /// The distinct texts, in the order in which they first come.
    var texts: [String] = []
    /// How many rows have each.
    var counts: [Int] = []
    /// The first row that has each.
    var rows: [Int] = []
    /// The number of rows without a value, and the first of them.
    var missing = 0
    var firstMissing: Int?
    /// Whether there are further texts, too many to tell them apart.
    var isCut = false

    /// The number of rows with a value.
    var count: Int { counts.reduce(0, +) }
  }

  /// The distinct texts of some rows.
  func distinct(_ rows: [Int]) -> Distinct {
    var found = Distinct()
    var places: [String: Int] = [:]
    func note(_ text: String, _ count: Int, _ row: Int) {
      if CellText.isMissing(text) {
        found.missing += count
        found.firstMissing = min(found.firstMissing ?? row, row)
      } else if let place = places[text] {
        found.counts[place] += count
        found.rows[place] = min(found.rows[place], row)
      } else {
        places[text] = found.texts.count
        found.texts.append(text)
        found.counts.append(count)
        found.rows.append(row)
      }
    }
    guard case .text(let place) = table.cells.forms[column] else {
      for row in rows { note(text(row), 1, row) }
      return found
    }
    let (codes, width) = (table.cells.codes, table.cells.textCount)
    let dictionary = table.cells.texts[place]
    var counts = [Int](repeating: 0, count: dictionary.count)
    var first = counts
    for row in rows {
      let code = Int(codes[row * width + place])
      if counts[code] == 0 { first[code] = row }
      counts[code] += 1
    }
    let codesFound = counts.indices.filter { counts[$0] > 0 }.sorted { first[$0] < first[$1] }
    for code in codesFound {
      note(CellText.trimmed(dictionary.text(code)), counts[code], first[code])
    }
    return found
  }

  /// A value for each cell, found once for each distinct text where cells are kept as texts.
  func mapped<Value>(_ value: @escaping (String) -> Value) -> (Int) -> Value {
    guard case .text(let place) = table.cells.forms[column] else { return { value(text($0)) } }
    let dictionary = table.cells.texts[place]
    let values = (0..<dictionary.count).map { value(CellText.trimmed(dictionary.text($0))) }
    let (codes, width) = (table.cells.codes, table.cells.textCount)
    return { values[Int(codes[$0 * width + place])] }
  }

  /// A hash of the texts of some rows.
  func fingerprint(_ rows: some Collection<Int>) -> Fingerprint {
    let hash = mapped { CellText.isMissing($0) ? 0 : Fingerprint(of: $0).low }
    return Fingerprint(of: rows.map(hash))
  }
}
