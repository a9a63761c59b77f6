import LockstepFiles

/// What the columns of a table of texts mean, before anything is fitted.
package struct TextOptions: Sendable {
  /// The texts' column.
  package var column: String
  /// The target, the id and the character between fields.
  package var table: TableOptions
  /// What a token is.
  package var unit = TextVocabulary.Unit.words
  /// The number of tokens.
  package var vocabulary = 10_000
  /// The lengths that texts are padded to; nil for powers of two.
  package var lengths: [Int]?

  /// Texts of a column, whose labels are another.
  package init(column: String, table: TableOptions) {
    self.column = column
    self.table = table
  }
}

/// The texts of a table, before anything is fitted: one a row, with a label.
package struct TextContent: DataContent {
  package var name: String { rows.name }
  package var count: Int { texts.count }
  package let notices: [String]
  package var places: ExamplePlaces { rows.places }

  private let options: TextOptions
  /// The rows without their texts: targets, ids and places.
  private let rows: TableContent
  private let texts: [String]

  /// Reads the table that a run is to be trained on.
  ///
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: TextOptions) throws(FileError) {
    let column = try table.column(options.column)
    let target = try table.column(options.table.target)
    let id = try options.table.id.map { id throws(FileError) in try table.column(id) }
    for (other, key) in [(target, "target"), (id, "id")] where other == column {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason:
          "has the column \(table.columns[column].quoted) for 'data.text' and for 'data.\(key)': "
          + "name two columns")
    }
    let others = table.columns.indices.filter { ![column, target, id].contains($0) }
      .map { table.columns[$0] }
    try self.init(
      table, name, options, column, target, id, isTargetOptional: false,
      notices: others.isEmpty
        ? []
        : [
          "\(name ?? table.path): the column\(others.count == 1 ? "" : "s") \(TableContent.list(others)) "
            + "\(others.count == 1 ? "is" : "are") left out"
        ])
  }

  /// Reads another table through what training learned: columns are matched by name.
  ///
  /// - Parameters:
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  ///   - id: the column that names a row; by default the description's, where the table has it.
  /// - Throws: `FileError` that names the columns that are missing, or line and column.
  package init(
    _ table: CSVTable, name: String? = nil, as description: TextsDescription,
    _ target: TargetDescription, isTargetOptional: Bool = false, id: String? = nil
  ) throws(FileError) {
    let label = target.column ?? ""
    try TableContent.checkColumns(
      table, [description.column] + (isTargetOptional ? [] : [label]))
    var options = TextOptions(column: description.column, table: TableOptions(target: label))
    options.table.kind = target.classes == nil ? .values : .classes
    options.table.classes = target.classes
    let idColumn =
      if let id { try table.column(id) } else {
        description.id.flatMap { table.columns.firstIndex(of: $0) }
      }
    try self.init(
      table, name, options, try table.column(description.column),
      table.columns.firstIndex(of: label), idColumn, isTargetOptional: isTargetOptional,
      notices: [])
  }

  private init(
    _ table: CSVTable, _ name: String?, _ options: TextOptions, _ column: Int, _ target: Int?,
    _ id: Int?, isTargetOptional: Bool, notices: [String]
  ) throws(FileError) {
    self.options = options
    self.notices = notices
    rows = try TableContent(
      table, name, options.table, [], fills: [], target: target, id: id,
      isTargetOptional: isTargetOptional, isTraining: !isTargetOptional)
    var texts: [String] = []
    texts.reserveCapacity(table.rowCount)
    for row in 0..<table.rowCount {
      if row & 0xfff == 0 { try ReadingStop.check(table.path) }
      let text = table.trimmed(row: row, column: column)
      guard !text.isEmpty else {
        throw table.fault(
          row: row, column: column, "the text is missing: remove the line, or fill it in")
      }
      texts.append(text)
    }
    guard !texts.isEmpty else {
      throw FileError(path: table.path, kind: .mismatch, reason: "has no rows")
    }
    self.texts = texts
  }

  // MARK: Fitting

  package func strata() throws -> [Int] { try rows.strata() }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let some = rows ?? Array(0..<count)
    guard !some.isEmpty else { throw DatasetError(name, "has no examples") }
    let vocabulary = TextVocabulary(
      fitting: some.lazy.map { texts[$0] }, unit: options.unit, size: options.vocabulary)
    guard !vocabulary.entries.isEmpty else {
      throw DatasetError(
        name,
        "has no words in the column \(options.column.quoted); 'data.tokenizer' may be 'characters'")
    }
    let lengths =
      options.lengths.flatMap(PaddedLengths.init)
      ?? PaddedLengths(covering: some.map { vocabulary.encode(texts[$0]).count })
    return DataDescription(
      input: .texts(
        TextsDescription(
          column: CellText.trimmed(options.column), vocabulary: vocabulary, lengths: lengths,
          cuts: options.lengths != nil, id: options.table.id.map(CellText.trimmed),
          delimiter: options.table.delimiter)),
      target: try self.rows.targetDescription(some))
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard case .texts(let known) = description.input else {
      throw DatasetError(name, "holds texts, and the run was trained on other inputs")
    }
    let some = rows ?? Array(0..<count)
    let labels = try self.rows.labels(some, description.target)
    var (tokens, starts) = ([Int32](), [0])
    for row in some {
      var text = known.vocabulary.encode(texts[row])
      if text.count > known.lengths.longest {
        guard known.cuts else { throw tooLong(row, text.count, known.lengths.longest) }
        text.removeLast(text.count - known.lengths.longest)
      }
      tokens += text
      starts.append(tokens.count)
    }
    return DataPart(
      try SequenceDataset(
        name: name, tokens: tokens, limit: known.vocabulary.size, starts: starts,
        labels: labels.values, padding: known.lengths),
      places: self.rows.examplePlaces(some), ids: self.rows.ids(some),
      isLabelled: labels.isLabelled, summary: summary(some, labels.values))
  }

  private func tooLong(_ row: Int, _ count: Int, _ longest: Int) -> FileError {
    rows.table.fault(
      row: row, column: rows.table.columns.firstIndex(of: options.column) ?? 0,
      "the text has \(count) tokens, and the longest of training had at most \(longest): shorten it, or train "
        + "with 'data.lengths', which cuts longer texts")
  }

  package func summary(as description: DataDescription) throws -> PartSummary? {
    let some = Array(0..<count)
    return summary(some, try rows.labels(some, description.target).values)
  }

  private func summary(_ some: [Int], _ labels: Dataset.Labels) -> PartSummary {
    func hash(_ rows: some Sequence<Int>) -> Fingerprint {
      .tree(rows.map { ("", Fingerprint(of: texts[$0])) })
    }
    var columns = [PartSummary.Column(options.column, hash(some))]
    if let target = rows.targetColumn {
      columns.append(.init(rows.table.columns[target], labels.fingerprint))
    }
    return PartSummary(examples: some.count, columns: columns) { run in
      .tree([("", hash(some[run])), ("", labels.fingerprint(run))])
    }
  }
}
