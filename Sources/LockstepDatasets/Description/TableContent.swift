import LockstepFiles

/// The cells of a table as features, targets and weights.
///
/// The table may be in memory or in a file: it is gone through block by block, and nothing that is learned of it
/// takes more than a block at a time.
package struct TableContent: DataContent {
  package var count: Int { table.rowCount }
  package private(set) var notices: [String] = []

  let table: any TableBlocks
  package let name: String
  let options: TableOptions
  /// The features' columns, in the order of the model's inputs, or of the table where that is to be
  /// learned.
  let columns: [Int]
  let target: TableTarget
  /// The targets of further heads, with their columns.
  let further: [FurtherTarget]
  let weightColumn: Int?
  let idColumn: Int?
  /// Where the files of a table that is stored are.
  let storage: TableStorage

  // MARK: Reading

  /// Reads the table that a run is to be trained on.
  ///
  /// - Parameter name: what the examples are called; the table's path by default.
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: TableOptions) throws(FileError) {
    try self.init(table, name: name, options, TableStorage())
  }

  /// As the other initialiser, of a table that may be stored.
  init(
    _ table: any TableBlocks, name: String? = nil, _ options: TableOptions,
    _ storage: TableStorage
  ) throws(FileError) {
    let header = table.header
    var targets: [Int] = []
    for name in options.targets { targets.append(try header.column(name)) }
    var further: [(head: TableHead, columns: [Int])] = []
    for head in options.further {
      var columns: [Int] = []
      for name in head.columns { columns.append(try header.column(name)) }
      further.append((head, columns))
    }
    let id = try options.id.map { id throws(FileError) in try header.column(id) }
    let weight = try options.weight.map { name throws(FileError) in try header.column(name) }
    var others = Set(targets + further.flatMap(\.columns) + [id, weight].compactMap { $0 })
    for name in options.ignoring { others.insert(try header.column(name)) }
    for (name, rule) in options.rules {
      let column = try header.column(name)
      if rule.kind == .ignore || rule.kind == .id { others.insert(column) }
    }
    let columns = header.columns.indices.filter { !others.contains($0) }
    guard !columns.isEmpty else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "has no feature columns beside \(TableText.list(options.targets))")
    }
    try self.init(
      table, name, options, storage, columns, targets: targets, further: further, id: id,
      weight: weight,
      isTargetOptional: false, remedy: TableTarget.trainingRemedy)
    notices = try targetNotices(options)
    for column in columns {
      if let notice = try counterNotice(column) { notices.append(notice) }
    }
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
    try self.init(
      table, name: name, as: description, isTargetOptional: isTargetOptional, id: id,
      TableStorage())
  }

  /// As the other initialiser, of a table that may be stored.
  init(
    _ table: any TableBlocks, name: String? = nil, as description: DataDescription,
    isTargetOptional: Bool = false, id: String? = nil, _ storage: TableStorage
  ) throws(FileError) {
    guard case .columns(let input) = description.input else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason: "is a table, and the run was trained on arrays of the shape "
          + "\(description.inputShape): give it an IDX file")
    }
    let (header, known) = (table.header, input.columns.map(\.name))
    let target = description.target
    let further = description.heads.dropFirst().map(\.tableHead)
    let targetNames = description.targets.flatMap(\.columns)
    try header.check(
      known + (isTargetOptional ? [] : targetNames + [input.weight].compactMap { $0 }))
    var options = TableOptions(target: "")
    options.targets = target.columns
    options.kind = target.tableKind
    options.further = further
    options.weight = input.weight
    let targets = target.columns.compactMap { header.find($0) }
    let idColumn =
      if let id { try header.column(id) } else { input.id.flatMap { header.find($0) } }
    try self.init(
      table, name, options, storage, known.compactMap { header.find($0) },
      targets: targets.count == target.columns.count ? targets : [],
      further: further.map { head in
        let columns = head.columns.compactMap { header.find($0) }
        return (head, columns.count == head.columns.count ? columns : [])
      }, id: idColumn,
      weight: input.weight.flatMap { header.find($0) }, isTargetOptional: isTargetOptional,
      remedy: TableTarget.laterRemedy)
    let expected = Set(
      known + input.ignored + targetNames + [input.id, input.weight, id].compactMap { $0 })
    let extra = header.columns.filter { !expected.contains($0) }
    if !extra.isEmpty {
      notices = [
        "\(table.path): the run does not know the column\(extra.count == 1 ? "" : "s") "
          + "\(TableText.list(extra)) and leaves \(extra.count == 1 ? "it" : "them") out"
      ]
    }
  }

  /// Reads the files of a table that a run is to be trained on.
  package init(
    reading paths: [String], name: String, _ options: TableOptions, texts: Set<String>,
    _ storage: TableStorage
  ) throws {
    try self.init(
      storage.blocks(paths, options.dialect, texts: texts), name: name, options, storage)
  }

  /// Reads the files of another table through what training learned.
  ///
  /// - Parameters:
  ///   - texts: the columns whose texts are needed as they are, though they look like numbers.
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  ///   - id: the column that names a row; by default the description's, where the table has it.
  package init(
    reading paths: [String], name: String? = nil, _ dialect: CSVDialect, texts: Set<String>,
    _ storage: TableStorage, as description: DataDescription, isTargetOptional: Bool = false,
    id: String? = nil
  ) throws {
    try self.init(
      storage.blocks(paths, dialect, texts: texts), name: name, as: description,
      isTargetOptional: isTargetOptional, id: id, storage)
  }

  private init(
    _ table: any TableBlocks, _ name: String?, _ options: TableOptions, _ storage: TableStorage,
    _ columns: [Int], targets: [Int], further: [(head: TableHead, columns: [Int])], id: Int?,
    weight: Int?, isTargetOptional: Bool, remedy: String
  ) throws(FileError) {
    self.table = table
    self.name = name ?? table.path
    self.options = options
    self.storage = storage
    self.columns = columns
    idColumn = id
    target = TableTarget(
      table: table, columns: targets, kind: options.kind, isOptional: isTargetOptional,
      remedy: remedy)
    self.further = further.map { head, columns in
      FurtherTarget(
        head: head,
        target: TableTarget(
          table: table, columns: columns, kind: head.kind, isOptional: isTargetOptional,
          remedy: remedy))
    }
    weightColumn = weight
    try target.check()
    for other in self.further { try other.target.check() }
    if let weight {
      try ColumnRows(table, weight, rows: nil).forEachBlock { cells, rows throws(FileError) in
        _ = try Self.weights(cells, rows)
      }
    }
  }

  /// The examples' weights: positive numbers, or 0 for examples that do not count.
  static func weights(_ cells: ColumnCells, _ rows: [Int]) throws(FileError) -> [Float] {
    var weights: [Float] = []
    weights.reserveCapacity(rows.count)
    for row in rows {
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

  // MARK: Fitting

  package func strata() throws -> [Int] { try target.strata(options.classes) }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    guard RowSelection(rows, of: table).count > 0 else {
      throw DatasetError(name, "has no examples")
    }
    var (features, left): ([ColumnsDescription.Column], [String]) = ([], [])
    for column in columns {
      let cells = ColumnRows(table, column, rows: rows)
      guard let kind = try kind(cells) else {
        left.append(cells.name)
        continue
      }
      features.append(
        .init(
          cells.name,
          try ColumnEncoding(
            cells, kind, options.rule(cells.name, kind), standardize: options.standardize)))
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
        rows, options.classes, standardizes: options.standardizesTarget))
    if let first = options.firstHead {
      description.heads = [HeadDescription(name: first, target: description.target)]
      for other in further { description.heads.append(try other.describe(rows)) }
    }
    return description
  }

  /// What a column is; nil where it is left out.
  private func kind(_ cells: ColumnRows) throws -> ColumnKind? {
    switch try ColumnInference(cells, options.rule(cells.name)) {
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
    var notices: [String] = []
    for column in columns {
      let cells = ColumnRows(table, column, rows: rows)
      if input.columns.contains(where: { $0.name == cells.name }) { continue }
      let reason =
        switch try ColumnInference(cells, options.rule(cells.name)) {
        case .text(let distinct):
          "holds text (\(table.isStored && distinct >= ColumnRows.mostTexts ? "at least " : "")"
            + "\(counted(distinct, "different value")) in \(counted(cells.count, "row"))) and is left "
            + "out; to use it, set \"category\" for it in 'data.columns'; to say nothing, name it in 'data.ignore'"
        case .empty, .kind: "has no values in the training part and is left out"
        }
      notices.append("\(table.path): the column \(cells.name.quoted) \(reason)")
    }
    return notices
  }
}

extension ReadingStop {
  /// Throws every few thousand rows where reading is to be given up.
  static func check(_ table: CSVTable, _ row: Int) throws(FileError) {
    if row & 0xffff == 0 { try check(table.path) }
  }
}
