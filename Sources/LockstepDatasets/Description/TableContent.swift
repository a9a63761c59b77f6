import LockstepFiles

/// The cells of a table as features, targets and weights.
package struct TableContent: DataContent {
  package var count: Int { table.rowCount }
  package private(set) var notices: [String] = []

  let table: CSVTable
  package let name: String
  let options: TableOptions
  /// The features' columns, in the order of the model's inputs, or of the table where that is to be
  /// learned.
  let columns: [ColumnCells]
  /// The targets' columns; none where they are missing, as they may be.
  let targetColumns: [Int]
  let target: TableTarget
  /// The targets of further heads, with their columns.
  let further: [FurtherTarget]
  private let weightColumn: Int?
  private let weights: [Float]?
  private let idColumn: Int?

  // MARK: Reading

  /// Reads the table that a run is to be trained on.
  ///
  /// - Parameter name: what the examples are called; the table's path by default.
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: TableOptions) throws(FileError) {
    var targets: [Int] = []
    for name in options.targets { targets.append(try table.column(name)) }
    var further: [(head: TableHead, columns: [Int])] = []
    for head in options.further {
      var columns: [Int] = []
      for name in head.columns { columns.append(try table.column(name)) }
      further.append((head, columns))
    }
    let id = try options.id.map { id throws(FileError) in try table.column(id) }
    let weight = try options.weight.map { name throws(FileError) in try table.column(name) }
    var others = Set(targets + further.flatMap(\.columns) + [id, weight].compactMap { $0 })
    for name in options.ignoring { others.insert(try table.column(name)) }
    for (name, rule) in options.rules {
      let column = try table.column(name)
      if rule.kind == .ignore || rule.kind == .id { others.insert(column) }
    }
    let columns = table.columns.indices.filter { !others.contains($0) }
    guard !columns.isEmpty else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "has no feature columns beside \(TableText.list(options.targets))")
    }
    try self.init(
      table, name, options, columns, targets: targets, further: further, id: id, weight: weight,
      isTargetOptional: false, remedy: TableTarget.trainingRemedy)
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
    let target = description.target
    let further = description.heads.dropFirst().map(\.tableHead)
    let targetNames = description.targets.flatMap(\.columns)
    try Self.checkColumns(
      table, known + (isTargetOptional ? [] : targetNames + [input.weight].compactMap { $0 }))
    var options = TableOptions(target: "")
    options.targets = target.columns
    options.kind = target.tableKind
    options.further = further
    options.weight = input.weight
    let targets = target.columns.compactMap { table.find($0) }
    let idColumn =
      if let id { try table.column(id) } else { input.id.flatMap { table.find($0) } }
    try self.init(
      table, name, options, known.compactMap { table.find($0) },
      targets: targets.count == target.columns.count ? targets : [],
      further: further.map { head in
        let columns = head.columns.compactMap { table.find($0) }
        return (head, columns.count == head.columns.count ? columns : [])
      }, id: idColumn,
      weight: input.weight.flatMap { table.find($0) }, isTargetOptional: isTargetOptional,
      remedy: TableTarget.laterRemedy)
    let expected = Set(
      known + input.ignored + targetNames + [input.id, input.weight, id].compactMap { $0 })
    let extra = table.columns.filter { !expected.contains($0) }
    if !extra.isEmpty {
      notices = [
        "\(table.path): the run does not know the column\(extra.count == 1 ? "" : "s") "
          + "\(TableText.list(extra)) and leaves \(extra.count == 1 ? "it" : "them") out"
      ]
    }
  }

  private init(
    _ table: CSVTable, _ name: String?, _ options: TableOptions, _ columns: [Int],
    targets: [Int], further: [(head: TableHead, columns: [Int])], id: Int?, weight: Int?,
    isTargetOptional: Bool, remedy: String
  ) throws(FileError) {
    self.table = table
    self.name = name ?? table.path
    self.options = options
    self.columns = columns.map { ColumnCells(table: table, column: $0) }
    targetColumns = targets
    idColumn = id
    target = try TableTarget(
      table, options.kind, targets, isOptional: isTargetOptional, remedy: remedy)
    self.further = try FurtherTarget.all(
      table, further, isOptional: isTargetOptional, remedy: remedy)
    weightColumn = weight
    weights = try weight.map { column throws(FileError) in
      try Self.weights(ColumnCells(table: table, column: column))
    }
  }

  /// The examples' weights: positive numbers, or 0 for examples that do not count.
  private static func weights(_ cells: ColumnCells) throws(FileError) -> [Float] {
    var weights: [Float] = []
    weights.reserveCapacity(cells.table.rowCount)
    for row in 0..<cells.table.rowCount {
      try ReadingStop.check(cells.table, row)
      guard let value = try cells.number(row, remedy: "; weights are numbers"), value >= 0 else {
        throw cells.fault(
          row,
          "the example's weight is \(cells.text(row).isEmpty ? "missing" : "negative"): weights are "
            + "numbers of at least 0")
      }
      guard value == 0 || (1e-30...1e30).contains(value) else {
        throw cells.fault(
          row,
          "the example's weight is \(CellText.text(value)): weights are 0, or from 1e-30 to 1e30; only ratios count, "
            + "so scale all of them")
      }
      weights.append(Float(value))
    }
    return weights
  }

  /// Makes sure that a table has all columns of some names.
  static func checkColumns(
    _ table: CSVTable, _ names: [String]
  ) throws(FileError) {
    let missing = names.filter { table.find($0) == nil }
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
        + ", which the run was trained with; it has \(TableText.list(table.columns))")
  }

  // MARK: Fitting

  package func strata() throws -> [Int] { try target.strata(count, options.classes, targetColumns) }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let rows = rows ?? Array(0..<count)
    guard !rows.isEmpty else { throw DatasetError(name, "has no examples") }
    var (features, left): ([ColumnsDescription.Column], [String]) = ([], [])
    for cells in columns {
      try ReadingStop.check(table.path)
      guard let kind = try kind(cells, rows) else {
        left.append(cells.name)
        continue
      }
      features.append(
        .init(
          cells.name,
          try ColumnEncoding(
            cells, kind, fitting: rows, options.rule(cells.name, kind),
            standardize: options.standardize)))
    }
    guard !features.isEmpty else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason:
          "has no features: \(TableText.list(left)) hold\(left.count == 1 ? "s" : "") texts that are no "
          + "categories, or nothing; say in 'data.columns' what a column is, such as \"category\"")
    }
    let ruled = options.rules.filter { $0.rule.kind == .ignore }.map(\.name)
    var description = DataDescription(
      input: .columns(
        ColumnsDescription(
          columns: features, ignored: (options.ignoring + ruled).map(CellText.trimmed) + left,
          id: options.id.map(CellText.trimmed), weight: options.weight.map(CellText.trimmed),
          dialect: options.dialect)),
      target: try target.describe(
        rows, targetColumns, options.classes, standardizes: options.standardizesTarget))
    if let first = options.firstHead {
      description.heads = [HeadDescription(name: first, target: description.target)]
      for other in further { description.heads.append(try other.describe(rows)) }
    }
    return description
  }

  /// What a column is; nil where it is left out.
  private func kind(_ cells: ColumnCells, _ rows: [Int]) throws -> ColumnKind? {
    switch try ColumnInference(cells, rows, options.rule(cells.name)) {
    case .kind(let kind): return kind
    case .text: return nil
    case .empty:
      if case .fill = options.rule(cells.name, .number).missing { return .number }
      return nil
    }
  }

  package func fittingNotices(
    _ rows: [Int]?, as description: DataDescription
  ) throws -> [String] {
    guard case .columns(let input) = description.input else { return [] }
    let rows = rows ?? Array(0..<count)
    var notices: [String] = []
    for cells in columns where !input.columns.contains(where: { $0.name == cells.name }) {
      let reason =
        switch try ColumnInference(cells, rows, options.rule(cells.name)) {
        case .text(let distinct):
          "holds text (\(counted(distinct, "different value")) in \(counted(rows.count, "row"))) and is left "
            + "out; to use it, set \"category\" for it in 'data.columns'; to say nothing, name it in 'data.ignore'"
        case .empty, .kind: "has no values in the training part and is left out"
        }
      notices.append("\(table.path): the column \(cells.name.quoted) \(reason)")
    }
    return notices
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    let rows = rows ?? Array(0..<count)
    guard case .columns(let input) = description.input else {
      throw DatasetError(name, "is a table, and the description is one of arrays")
    }
    let labels = try target.labels(rows, description.target)
    let others = try furtherLabels(rows, description)
    let features = try features(input)
    let width = input.width
    let categories = input.embedded.compactMap { embedded in
      features.first { $0.column.name == embedded.name }.flatMap { feature in
        feature.column.encoding.embedded.map {
          Dataset.Category(column: embedded, codes: $0.codes(feature.cells, rows))
        }
      }
    }
    let dataset = try Dataset(
      name: name, inputShape: [width],
      inputs: .floats(try inputs(rows, features, width: width)), labels: labels.values,
      weights: weights.map { weights in rows.map { weights[$0] } }, categories: categories,
      further: others.map(\.labels))
    if let weights, let first = rows.first, !rows.contains(where: { weights[$0] > 0 }) {
      throw table.fault(
        row: first, column: weightColumn ?? 0, "all examples have the weight 0: nothing counts")
    }
    return DataPart(
      dataset, places: examplePlaces(rows),
      ids: idColumn.map { id in rows.map { table.trimmed(row: $0, column: id) } },
      isLabelled: labels.isLabelled, furtherLabelled: others.map(\.isLabelled),
      summary: summary(rows, features, labels.values, others.map(\.labels.labels)),
      notices: features.flatMap { feature in
        feature.column.encoding.notices(feature.cells, rows).map { "\(name): \($0)" }
      })
  }

  /// A feature of the description, and its cells here.
  private typealias Feature = (column: ColumnsDescription.Column, cells: ColumnCells)

  private func features(_ input: ColumnsDescription) throws(FileError) -> [Feature] {
    var features: [Feature] = []
    for column in input.columns {
      features.append((column, ColumnCells(table: table, column: try table.column(column.name))))
    }
    return features
  }

  private func inputs(
    _ rows: [Int], _ features: [Feature], width: Int
  ) throws(FileError) -> [Float] {
    var writers: [(writer: any CellWriter, offset: Int)] = []
    var offset = 0
    for feature in features where feature.column.encoding.width > 0 {
      writers.append((feature.column.encoding.writer(feature.cells), offset))
      offset += feature.column.encoding.width
    }
    var values = [Float](repeating: 0, count: rows.count * width)
    var failure: FileError?
    values.withUnsafeMutableBufferPointer { values in
      guard var place = values.baseAddress else { return }
      do throws(FileError) {
        for row in rows {
          try ReadingStop.check(table, row)
          for (writer, offset) in writers { try writer.write(row, to: place + offset) }
          place += width
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  package func summary(as description: DataDescription) throws -> PartSummary? {
    guard case .columns(let input) = description.input else { return nil }
    let rows = Array(0..<count)
    return summary(
      rows, try features(input), try target.labels(rows, description.target).values,
      try furtherLabels(rows, description).map(\.labels.labels))
  }

  /// The labels of further heads, and which rows have them.
  private func furtherLabels(
    _ rows: [Int], _ description: DataDescription
  ) throws -> [(labels: Dataset.FurtherLabels, isLabelled: [Bool]?)] {
    try zip(further, description.heads.dropFirst()).enumerated().map { index, pair in
      let found = try pair.0.target.labels(rows, pair.1.target)
      let field = HeadDescription.labelField(pair.1.name, at: index + 1)
      return (.init(field: field, labels: found.values), found.isLabelled)
    }
  }

  package var places: ExamplePlaces { examplePlaces(Array(0..<count)) }

  private func examplePlaces(_ rows: [Int]) -> ExamplePlaces {
    ExamplePlaces(
      file: name, rows: rows.map { $0 + 1 }, lines: rows.map { table.line(ofRow: $0) },
      files: table.files.count > 1 ? rows.map { table.file(ofRow: $0) } : nil)
  }

  /// Numbers are hashed as they are filled in, one row behind the other; other cells by their texts.
  private func summary(
    _ rows: [Int], _ features: [Feature], _ labels: Dataset.Labels, _ others: [Dataset.Labels]
  ) -> PartSummary {
    let numbers = features.compactMap { feature in
      feature.cells.numbers.map { (values: $0, fill: feature.column.encoding.fill ?? .nan) }
    }
    func number(_ place: Int, _ row: Int) -> Double {
      let value = numbers[place].values[row]
      return value.isNaN ? numbers[place].fill : value
    }
    let texts = features.filter { $0.cells.numbers == nil }.map(\.cells)
    var place = 0
    var summaries = features.map { feature in
      guard feature.cells.numbers != nil else {
        return PartSummary.Column(feature.column.name, feature.cells.fingerprint(rows))
      }
      defer { place += 1 }
      return .init(feature.column.name, Fingerprint(of: rows.map { number(place, $0) }))
    }
    if let weights, let weightColumn {
      summaries.append(
        .init(table.columns[weightColumn], Fingerprint(of: rows.map { weights[$0] })))
    }
    if !targetColumns.isEmpty {
      let names = targetColumns.map { table.columns[$0] }
      summaries.append(.init(names.joined(separator: ", "), labels.fingerprint))
    }
    for (other, labels) in zip(further, others) where !other.columns.isEmpty {
      summaries.append(
        .init(other.head.columns.joined(separator: ", "), labels.fingerprint))
    }
    return PartSummary(examples: rows.count, columns: summaries) { run in
      let values = rows[run].flatMap { row in numbers.indices.map { number($0, row) } }
      return .tree(
        [("", Fingerprint(of: values)), ("", labels.fingerprint(run))]
          + others.map { ("", $0.fingerprint(run)) } + texts.map { ("", $0.fingerprint(rows[run])) }
          + (weights.map { weights in [("", Fingerprint(of: rows[run].map { weights[$0] }))] } ?? [])
      )
    }
  }
}

extension ReadingStop {
  /// Throws every few thousand rows where reading is to be given up.
  static func check(_ table: CSVTable, _ row: Int) throws(FileError) {
    if row & 0xffff == 0 { try check(table.path) }
  }
}
