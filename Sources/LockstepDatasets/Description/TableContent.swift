import LockstepFiles

/// What the columns of a table mean, before anything is fitted.
package struct TableOptions: Sendable {
  /// The target's column.
  package var target: String
  /// What the target means.
  package var kind = TargetKind.classes
  /// Columns that are neither feature nor target.
  package var ignoring: [String] = []
  /// The column that names a row; no feature.
  package var id: String?
  /// What becomes of missing features.
  package var missing = MissingValues.refuse
  /// The classes, where they are not to be taken from the training part.
  package var classes: ClassNames?
  /// Whether features are brought to mean 0 and deviation 1.
  package var standardize = true
  /// The character between fields.
  package var delimiter: Unicode.Scalar = ","

  /// A table whose target is a column, and all other columns features.
  package init(target: String) { self.target = target }
}

/// The cells of a table as numbers and class names.
package struct TableContent: DataContent {
  package var count: Int { table.rowCount }
  package private(set) var notices: [String] = []

  enum Target {
    case none
    /// Trimmed texts; empty where the label is missing.
    case classes([String])
    /// Numbers; NaN where the label is missing.
    case values([Double])
  }

  let table: CSVTable
  package let name: String
  private let options: TableOptions
  /// The places of the features in the table, in the order of the model's inputs.
  let columns: [Int]
  let targetColumn: Int?
  private let idColumn: Int?
  /// The features, row by row, missing ones filled in.
  let features: [Double]
  let target: Target

  // MARK: Reading

  /// Reads the table that a run is to be trained on.
  ///
  /// - Parameter name: what the examples are called; the table's path by default.
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: TableOptions) throws(FileError) {
    let targetColumn = try table.column(options.target)
    let idColumn = try options.id.map { id throws(FileError) in try table.column(id) }
    var others: Set<Int> = [targetColumn]
    if let idColumn { others.insert(idColumn) }
    for name in options.ignoring { others.insert(try table.column(name)) }
    let columns = table.columns.indices.filter { !others.contains($0) }
    guard !columns.isEmpty else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "has no feature columns beside '\(options.target)'")
    }
    let fill: Double? = if case .fill(let value) = options.missing { value } else { nil }
    try self.init(
      table, name, options, columns, fills: columns.map { _ in fill }, target: targetColumn,
      id: idColumn, isTargetOptional: false, isTraining: true)
    notices = targetNotices(options) + columns.compactMap(counterNotice)
  }

  /// Reads another table through what training learned: columns are matched by name.
  ///
  /// - Parameters:
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  ///   - id: the column that names a row; by default the description's, where the table has it.
  /// - Throws: `FileError` that names the columns that are missing, or line and column.
  package init(
    _ table: CSVTable, name: String? = nil, as description: DataDescription,
    isTargetOptional: Bool = false, id: String? = nil
  ) throws(FileError) {
    guard case .columns(let input) = description.input else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "is a table, and the run was trained on arrays of the shape "
          + "\(description.inputShape): give it an IDX file")
    }
    let known = input.columns.map(\.name)
    let target = description.target.column
    try Self.checkColumns(table, known + (isTargetOptional ? [] : target.map { [$0] } ?? []))
    var columns: [Int] = []
    for name in known { columns.append(try table.column(name)) }
    var options = TableOptions(target: target ?? "")
    options.kind = description.target.classes == nil ? .values : .classes
    let idColumn =
      if let id { try table.column(id) } else {
        input.id.flatMap { table.columns.firstIndex(of: $0) }
      }
    try self.init(
      table, name, options, columns, fills: input.columns.map(\.fill),
      target: target.flatMap { table.columns.firstIndex(of: $0) }, id: idColumn,
      isTargetOptional: isTargetOptional, isTraining: false)
    let expected = Set(known + input.ignored + [target, input.id, id].compactMap { $0 })
    let extra = table.columns.filter { !expected.contains($0) }
    if !extra.isEmpty {
      notices = [
        "\(table.path): the run does not know the column\(extra.count == 1 ? "" : "s") "
          + "\(Self.list(extra)) and leaves \(extra.count == 1 ? "it" : "them") out"
      ]
    }
  }

  /// Reads the cells of some columns.
  ///
  /// - Parameter isTraining: whether messages tell how to train on the table.
  init(
    _ table: CSVTable, _ name: String?, _ options: TableOptions, _ columns: [Int],
    fills: [Double?], target: Int?, id: Int?, isTargetOptional: Bool, isTraining: Bool
  ) throws(FileError) {
    self.table = table
    self.name = name ?? table.path
    self.options = options
    self.columns = columns
    targetColumn = target
    idColumn = id
    let (textRemedy, missingRemedy) =
      isTraining
      ? (
        "; features are numbers: write it as one, or name the column in 'data.ignore'",
        ": fill it in, remove the line, or set 'data.fillMissing' to a number"
      )
      : (
        "; the run was trained on numbers in this column",
        ": fill it in; the run was trained without 'data.fillMissing'"
      )
    var features: [Double] = []
    features.reserveCapacity(table.rowCount * columns.count)
    for row in 0..<table.rowCount {
      try Self.checkStop(table, row)
      for (column, fill) in zip(columns, fills) {
        guard let value = try Self.number(table, row, column, remedy: textRemedy) ?? fill else {
          throw table.fault(row: row, column: column, "the value is missing" + missingRemedy)
        }
        features.append(value)
      }
    }
    self.features = features
    self.target = try Self.target(
      table, options.kind, target, isOptional: isTargetOptional,
      remedy: isTraining
        ? "; names of classes need 'data.targetKind' to be 'classes'"
        : "; the run was trained on numbers in this column")
  }

  /// Throws every few thousand rows where reading is to be given up.
  private static func checkStop(_ table: CSVTable, _ row: Int) throws(FileError) {
    if row & 0xffff == 0 { try ReadingStop.check(table.path) }
  }

  static func target(
    _ table: CSVTable, _ kind: TargetKind, _ column: Int?, isOptional: Bool, remedy: String
  ) throws(FileError) -> Target {
    guard let column else { return .none }
    var (texts, values): ([String], [Double]) = ([], [])
    for row in 0..<table.rowCount {
      try checkStop(table, row)
      let text = table.trimmed(row: row, column: column)
      let isMissing = CellText.isMissing(text)
      if isMissing, !isOptional {
        throw table.fault(
          row: row, column: column,
          "the target is missing" + (text.isEmpty ? "" : " ('\(text)' stands for a missing value)"))
      }
      switch kind {
      case .classes: texts.append(isMissing ? "" : text)
      case .values: values.append(try number(table, row, column, remedy: remedy) ?? .nan)
      }
    }
    return kind == .classes ? .classes(texts) : .values(values)
  }

  /// A cell as a number in Float32's range; nil where it is missing.
  private static func number(
    _ table: CSVTable, _ row: Int, _ column: Int, remedy: String
  ) throws(FileError) -> Double? {
    guard let value = try table.number(row: row, column: column, remedy: remedy) else { return nil }
    guard Float(value).isFinite else {
      throw table.fault(row: row, column: column, "\(value) is out of the range of Float32")
    }
    return value
  }

  /// Makes sure that a table has all columns of some names.
  static func checkColumns(
    _ table: CSVTable, _ names: [String]
  ) throws(FileError) {
    let missing = names.filter { !table.columns.contains($0) }
    if missing.isEmpty { return }
    if !table.delimiterHint.isEmpty {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "lacks the columns that the run was trained with" + table.delimiterHint)
    }
    let others = table.columns.filter { !names.contains($0) }
    let reasons = missing.prefix(6).map { name in
      name.quoted
        + (NearestName.find(name, among: others).map { " (is it \($0.quoted)?)" } ?? "")
    }
    throw FileError(
      path: table.path, kind: .mismatch,
      reason: "lacks the column\(missing.count == 1 ? "" : "s") \(reasons.joined(separator: ", "))"
        + (missing.count > 6 ? " and \(missing.count - 6) more" : "")
        + ", which the run was trained with; it has \(list(table.columns))")
  }

  static func list(_ names: [String]) -> String {
    names.prefix(8).map(\.quoted).joined(separator: ", ")
      + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }

  // MARK: Fitting

  package func strata() throws -> [Int] {
    switch target {
    case .none: return [Int](repeating: 0, count: count)
    case .values(let values): return Dataset.strata(values.map { Double(Float($0)) })
    case .classes(let texts):
      let names = try options.classes ?? classes(texts, Array(0..<count))
      return try (0..<count).map { Int(try number(names, texts[$0], $0)) }
    }
  }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let rows = rows ?? Array(0..<count)
    guard !rows.isEmpty else { throw DatasetError(name, "has no examples") }
    let names = columns.map { table.columns[$0] }
    let width = columns.count
    let fitted =
      options.standardize ? Standardizer(fitting: rows, width: width) { features[$0] } : nil
    let fill: Double? = if case .fill(let value) = options.missing { value } else { nil }
    let kind: TargetDescription.Kind =
      switch target {
      case .none, .values: .values(width: 1)
      case .classes(let texts): .classes(try options.classes ?? classes(texts, rows))
      }
    return DataDescription(
      input: .columns(
        ColumnsDescription(
          columns: names.enumerated().map { place, name in
            .init(
              name, mean: fitted?.mean[place] ?? 0, deviation: fitted?.deviation[place] ?? 1,
              fill: fill)
          }, ignored: options.ignoring.map(CellText.trimmed),
          id: options.id.map(CellText.trimmed), delimiter: options.delimiter)),
      target: TargetDescription(column: targetColumn.map { table.columns[$0] }, kind: kind))
  }

  private func classes(_ texts: [String], _ rows: [Int]) throws(FileError) -> ClassNames {
    try ClassNames(numbering: rows.map { texts[$0] }) { index, reason in
      table.fault(row: rows[index], column: targetColumn ?? 0, reason)
    }
  }

  private func number(
    _ names: ClassNames, _ text: String, _ row: Int
  ) throws(FileError) -> Int32 {
    do throws(UnknownClass) { return try names.number(of: text) } catch {
      // Numbers with gaps are quantities more often than classes.
      let hint =
        names.absent.isEmpty || CellText.number(text) == nil
        ? "" : "; numbers that are no classes need 'data.targetKind' to be 'values'"
      throw table.fault(row: row, column: targetColumn ?? 0, error.reason + hint)
    }
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    let rows = rows ?? Array(0..<count)
    let labels = try labels(rows, description.target)
    let dataset = try Dataset(
      name: name, inputShape: [columns.count], inputs: .floats(try inputs(rows, description)),
      labels: labels.values)
    return DataPart(
      dataset,
      places: examplePlaces(rows),
      ids: idColumn.map { id in rows.map { table.trimmed(row: $0, column: id) } },
      isLabelled: labels.isLabelled, summary: summary(rows, labels.values))
  }

  private func inputs(_ rows: [Int], _ description: DataDescription) throws -> [Float] {
    guard case .columns(let input) = description.input else {
      throw DatasetError(name, "is a table, and the description is one of arrays")
    }
    let width = columns.count
    var values: [Float] = []
    values.reserveCapacity(rows.count * width)
    for row in rows {
      try Self.checkStop(table, row)
      for place in 0..<width {
        let column = input.columns[place]
        let raw = features[row * width + place]
        let value = Float((raw - column.mean) / column.deviation)
        guard value.isFinite else {
          throw table.fault(
            row: row, column: columns[place],
            "\(raw) is out of the range of Float32 when it is standardised")
        }
        values.append(value)
      }
    }
    return values
  }

  private func labels(
    _ rows: [Int], _ description: TargetDescription
  ) throws -> (values: Dataset.Labels, isLabelled: [Bool]?) {
    switch (target, description.kind) {
    case (.classes(let texts), .classes(let names)):
      let classes = try rows.map { row throws(FileError) -> Int32 in
        try Self.checkStop(table, row)
        return texts[row].isEmpty ? 0 : try number(names, texts[row], row)
      }
      let known = rows.map { !texts[$0].isEmpty }
      return (.classes(classes, count: names.count), known.contains(false) ? known : nil)
    case (.values(let values), .values):
      let known = rows.map { !values[$0].isNaN }
      return (
        .targets(rows.map { values[$0].isNaN ? 0 : Float(values[$0]) }, width: 1),
        known.contains(false) ? known : nil
      )
    default:
      return (
        .unknown(description.kind, count: rows.count), [Bool](repeating: false, count: rows.count)
      )
    }
  }

  package func summary(as description: DataDescription) throws -> PartSummary? {
    let rows = Array(0..<count)
    return summary(rows, try labels(rows, description.target).values)
  }

  package var places: ExamplePlaces { examplePlaces(Array(0..<count)) }

  private func examplePlaces(_ rows: [Int]) -> ExamplePlaces {
    ExamplePlaces(
      file: name, rows: rows.map { $0 + 1 }, lines: rows.map { table.line(ofRow: $0) })
  }

  private func summary(_ rows: [Int], _ labels: Dataset.Labels) -> PartSummary {
    let width = columns.count
    var summaries = columns.enumerated().map { place, column in
      PartSummary.Column(
        table.columns[column], Fingerprint(of: rows.map { features[$0 * width + place] }))
    }
    if let targetColumn {
      summaries.append(.init(table.columns[targetColumn], labels.fingerprint))
    }
    return PartSummary(examples: rows.count, columns: summaries) { run in
      let values = rows[run].flatMap { features[$0 * width..<($0 + 1) * width] }
      return .tree([("", Fingerprint(of: values)), ("", labels.fingerprint(run))])
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
