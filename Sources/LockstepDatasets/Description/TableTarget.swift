import LockstepFiles

/// The targets of a table's rows, before anything is fitted.
struct TableTarget: Sendable {
  enum Values: Sendable {
    case none
    /// Trimmed texts; empty where the label is missing.
    case classes([String])
    /// Numbers, one column behind the other; NaN where the label is missing.
    case values([[Double]])
  }

  let table: CSVTable
  let values: Values
  private let kind: TargetKind

  static let trainingRemedy = "; names of classes need 'data.targetKind' to be 'classes'"
  static let laterRemedy = "; the run was trained on numbers in this column"

  /// - Parameter remedy: what to do about a text where a number is expected.
  init(
    _ table: CSVTable, _ kind: TargetKind, _ columns: [Int], isOptional: Bool, remedy: String
  ) throws(FileError) {
    self.table = table
    self.kind = kind
    guard let first = columns.first else {
      values = .none
      return
    }
    if kind == .classes {
      values = .classes(try Self.texts(table, first, isOptional))
      return
    }
    var all: [[Double]] = []
    for column in columns {
      all.append(try Self.numbers(table, kind, column, isOptional, remedy))
    }
    values = .values(all)
  }

  private static func texts(
    _ table: CSVTable, _ column: Int, _ isOptional: Bool
  ) throws(FileError) -> [String] {
    var texts: [String] = []
    for row in 0..<table.rowCount {
      try ReadingStop.check(table, row)
      let text = table.trimmed(row: row, column: column)
      let isMissing = CellText.isMissing(text)
      if isMissing, !isOptional { throw missing(table, row, column, text) }
      texts.append(isMissing ? "" : text)
    }
    return texts
  }

  private static func numbers(
    _ table: CSVTable, _ kind: TargetKind, _ column: Int, _ isOptional: Bool, _ remedy: String
  ) throws(FileError) -> [Double] {
    let cells = ColumnCells(table: table, column: column)
    var numbers: [Double] = []
    for row in 0..<table.rowCount {
      try ReadingStop.check(table, row)
      let value =
        try kind == .labels ? label(cells, row) : cells.number(row, remedy: remedy)
      if value == nil, !isOptional { throw missing(table, row, column, cells.text(row)) }
      numbers.append(value ?? .nan)
    }
    return numbers
  }

  /// 1 or 0; nil where the label is missing.
  private static func label(_ cells: ColumnCells, _ row: Int) throws(FileError) -> Double? {
    let text = cells.text(row)
    if CellText.isMissing(text) { return nil }
    guard let value = BooleanEncoding.value(text) else {
      throw cells.fault(
        row,
        "expected a label: \(BooleanEncoding.expectation); found \(text.shortened(to: 40).quoted)")
    }
    return value ? 1 : 0
  }

  private static func missing(
    _ table: CSVTable, _ row: Int, _ column: Int, _ text: String
  ) -> FileError {
    table.fault(
      row: row, column: column,
      "the target is missing" + (text.isEmpty ? "" : " ('\(text)' stands for a missing value)"))
  }

  // MARK: Fitting

  func strata(_ count: Int, _ classes: ClassNames?, _ columns: [Int]) throws -> [Int] {
    switch values {
    case .none: return [Int](repeating: 0, count: count)
    // Several labels are a stratum for each combination, as far as there are not too many.
    case .values(let all) where kind == .labels && all.count > 1:
      return Dataset.strata(
        (0..<count).map { row in all.prefix(52).reduce(0) { 2 * $0 + $1[row] } })
    case .values(let all): return Dataset.strata(all[0].map { Double(Float($0)) })
    case .classes(let texts):
      let names = try classes ?? self.classes(texts, Array(0..<count), columns)
      return try (0..<count).map { Int(try number(names, texts[$0], $0, columns)) }
    }
  }

  func describe(
    _ rows: [Int], _ columns: [Int], _ classes: ClassNames?, standardizes: Bool
  ) throws -> TargetDescription {
    let names = columns.map { table.columns[$0] }
    switch values {
    case .none: return TargetDescription(columns: names, kind: .values(width: 1))
    case .classes(let texts):
      let found = try classes ?? self.classes(texts, rows, columns)
      if classes == nil { try checkLooks(texts, rows, columns) }
      return TargetDescription(columns: names, kind: .classes(found))
    case .values(let all):
      var target = TargetDescription(columns: names, kind: .values(width: all.count))
      target.areLabels = kind == .labels
      if standardizes, kind == .values {
        let scales = all.map { values in Scale(fitting: rows.map { values[$0] }) }
        target.scale = .init(mean: scales.map(\.mean), deviation: scales.map(\.deviation))
      }
      return target
    }
  }

  /// Makes sure that classes are no numbers in another notation.
  private func checkLooks(
    _ texts: [String], _ rows: [Int], _ columns: [Int]
  ) throws(FileError) {
    let odd = rows.filter { row in
      CellText.number(texts[row]) == nil && CellLook(texts[row]) == .number
    }
    guard let row = odd.first, 2 * odd.count > rows.count else { return }
    throw table.fault(
      row: row, column: columns[0],
      "\(texts[row].shortened(to: 40).quoted) looks like a number in another notation, and so do most targets: set "
        + "'data.decimal' (and 'data.delimiter') to what the file has, and 'data.targetKind' to 'values'; where these "
        + "are names of classes, list them in 'data.classes'")
  }

  private func classes(
    _ texts: [String], _ rows: [Int], _ columns: [Int]
  ) throws(FileError) -> ClassNames {
    try ClassNames(numbering: rows.map { texts[$0] }) { index, reason in
      table.fault(row: rows[index], column: columns[0], reason)
    }
  }

  private func number(
    _ names: ClassNames, _ text: String, _ row: Int, _ columns: [Int]
  ) throws(FileError) -> Int32 {
    do throws(UnknownClass) { return try names.number(of: text) } catch {
      // Numbers with gaps are quantities more often than classes.
      let hint =
        names.absent.isEmpty || CellText.number(text) == nil
        ? "" : "; numbers that are no classes need 'data.targetKind' to be 'values'"
      throw table.fault(row: row, column: columns[0], error.reason + hint)
    }
  }

  // MARK: Applying

  func labels(
    _ rows: [Int], _ description: TargetDescription
  ) throws -> (values: Dataset.Labels, isLabelled: [Bool]?) {
    let columns = description.columns.compactMap { table.find($0) }
    switch (values, description.kind) {
    case (.classes(let texts), .classes(let names)):
      var numbers: [String: Int32] = [:]
      let classes = try rows.map { row throws(FileError) -> Int32 in
        try ReadingStop.check(table, row)
        let text = texts[row]
        if text.isEmpty { return 0 }
        if let known = numbers[text] { return known }
        let number = try number(names, text, row, columns)
        numbers[text] = number
        return number
      }
      let known = rows.map { !texts[$0].isEmpty }
      return (.classes(classes, count: names.count), known.contains(false) ? known : nil)
    case (.values(let all), .values(let width)) where all.count == width:
      let scale = description.scale
      let known = rows.map { row in !all.contains { $0[row].isNaN } }
      let targets = rows.enumerated().flatMap { place, row in
        all.enumerated().map { column, values -> Float in
          guard known[place] else { return 0 }
          guard let scale else { return Float(values[row]) }
          let place = column % scale.mean.count
          return Float((values[row] - scale.mean[place]) / scale.deviation[place])
        }
      }
      return (.targets(targets, width: width), known.contains(false) ? known : nil)
    default:
      return (
        .unknown(description.kind, count: rows.count), [Bool](repeating: false, count: rows.count)
      )
    }
  }
}

extension Dataset.Labels {
  /// Labels in the place of ones that nobody knows.
  static func unknown(_ kind: TargetDescription.Kind, count: Int) -> Self {
    switch kind {
    case .classes(let names):
      .classes([Int32](repeating: 0, count: count), count: names.count)
    case .values(let width):
      .targets([Float](repeating: 0, count: count * width), width: width)
    }
  }

  /// The hash of all labels.
  var fingerprint: Fingerprint {
    switch self {
    case .classes(let classes, _): Fingerprint(of: classes)
    case .targets(let values, _): Fingerprint(of: values)
    }
  }

  /// The hash of the labels of a run of examples.
  func fingerprint(_ run: Range<Int>) -> Fingerprint {
    switch self {
    case .classes(let classes, _): Fingerprint(of: Array(classes[run]))
    case .targets(let values, let width):
      Fingerprint(of: Array(values[run.lowerBound * width..<run.upperBound * width]))
    }
  }
}
