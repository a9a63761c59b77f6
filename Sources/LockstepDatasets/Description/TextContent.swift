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
  /// How often a token must occur in the training part; rarer ones are unknown.
  package var minCount = 2
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
  package let name: String
  package var count: Int { texts.count }
  package let notices: [String]

  private let options: TextOptions
  private let table: CSVTable
  private let texts: [String]
  /// The text's, the target's and the id's columns.
  private let columns: (text: Int, target: Int?, id: Int?)
  private let target: TableTarget
  /// Whether a vocabulary was learned from other texts.
  private let isLater: Bool

  /// Reads the table that a run is to be trained on.
  ///
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: TextOptions) throws(FileError) {
    let column = try table.column(options.column)
    let target = try table.column(options.table.targets[0])
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
      table, name, options, (column, target, id), isTargetOptional: false,
      remedy: TableTarget.trainingRemedy,
      notices: others.isEmpty
        ? []
        : [
          "\(name ?? table.path): the column\(others.count == 1 ? "" : "s") \(TableText.list(others)) "
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
    try table.header.check(
      [description.column] + (isTargetOptional ? [] : target.columns))
    var options = TextOptions(column: description.column, table: TableOptions(target: ""))
    options.table.targets = target.columns
    options.table.kind = target.tableKind
    options.table.classes = target.classes
    let idColumn =
      if let id { try table.column(id) } else { description.id.flatMap { table.find($0) } }
    try self.init(
      table, name, options,
      (
        try table.column(description.column), target.columns.first.flatMap { table.find($0) },
        idColumn
      ),
      isTargetOptional: isTargetOptional, remedy: TableTarget.laterRemedy, notices: [],
      isLater: true)
  }

  private init(
    _ table: CSVTable, _ name: String?, _ options: TextOptions,
    _ columns: (text: Int, target: Int?, id: Int?), isTargetOptional: Bool, remedy: String,
    notices: [String], isLater: Bool = false
  ) throws(FileError) {
    self.isLater = isLater
    self.table = table
    self.name = name ?? table.path
    self.options = options
    self.columns = columns
    self.notices = notices
    target = TableTarget(
      table: table, columns: [columns.target].compactMap { $0 }, kind: options.table.kind,
      isOptional: isTargetOptional, remedy: remedy)
    try target.check()
    var texts: [String] = []
    texts.reserveCapacity(table.rowCount)
    for row in 0..<table.rowCount {
      try ReadingStop.check(table, row)
      let text = table.trimmed(row: row, column: columns.text)
      guard !text.isEmpty else {
        throw table.fault(
          row: row, column: columns.text, "the text is missing: remove the line, or fill it in")
      }
      texts.append(text)
    }
    guard !texts.isEmpty else {
      throw FileError(path: table.path, kind: .mismatch, reason: "has no rows")
    }
    self.texts = texts
  }

  // MARK: Fitting

  package func strata() throws -> [Int] {
    try target.strata(options.table.classes)
  }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let some = rows ?? Array(0..<count)
    guard !some.isEmpty else { throw DatasetError(name, "has no examples") }
    let vocabulary = TextVocabulary(
      fitting: some.lazy.map { texts[$0] }, unit: options.unit, size: options.vocabulary,
      minCount: options.minCount)
    guard !vocabulary.entries.isEmpty else {
      throw DatasetError(
        name,
        "has no \(options.unit.rawValue) in the column \(options.column.quoted) that occur \(options.minCount) times: "
          + "set 'data.minCount' to less, or 'data.tokenizer' to 'characters'")
    }
    let lengths =
      options.lengths.flatMap(PaddedLengths.init)
      ?? PaddedLengths(covering: some.map { vocabulary.encode(texts[$0]).count })
    return DataDescription(
      input: .texts(
        TextsDescription(
          column: CellText.trimmed(options.column), vocabulary: vocabulary, lengths: lengths,
          cuts: options.lengths != nil, id: options.table.id.map(CellText.trimmed),
          dialect: options.table.dialect)),
      target: try target.describe(
        some, options.table.classes,
        standardizes: options.table.standardizesTarget))
  }

  // MARK: Applying

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard case .texts(let known) = description.input else {
      throw DatasetError(name, "holds texts, and the run was trained on other inputs")
    }
    let some = rows ?? Array(0..<count)
    let labels = try target.labels(table, some, description.target)
    var (tokens, starts, lost) = ([Int32](), [0], 0)
    for row in some {
      var text = known.vocabulary.encode(texts[row])
      if text.count > known.lengths.longest {
        guard known.cuts else { throw tooLong(row, text.count, known.lengths.longest) }
        text.removeLast(text.count - known.lengths.longest)
      }
      if text.allSatisfy({ $0 == TextVocabulary.unknown }) { lost += 1 }
      tokens += text
      starts.append(tokens.count)
    }
    return DataPart(
      try SequenceDataset(
        name: name, tokens: tokens, limit: known.vocabulary.size, starts: starts,
        labels: labels.values, padding: known.lengths),
      places: examplePlaces(some),
      ids: columns.id.map { id in some.map { table.trimmed(row: $0, column: id) } },
      isLabelled: labels.isLabelled, summary: summary(some, labels.values),
      notices: unknownNotices(tokens, lost, of: some.count, known.vocabulary))
  }

  /// What is to be said where nothing teaches what unknown tokens mean.
  package func fittingNotices(
    _ rows: [Int]?, as description: DataDescription
  ) throws -> [String] {
    guard case .texts(let known) = description.input else { return [] }
    let some = rows ?? Array(0..<count)
    if some.contains(where: {
      known.vocabulary.encode(texts[$0]).contains(TextVocabulary.unknown)
    }) {
      return []
    }
    return [
      "\(name): no \(known.vocabulary.unit.rawValue) of the training part are unknown, so that nothing is learned "
        + "about unknown ones: raise 'data.minCount', or lower 'data.vocabulary', where later texts may have some"
    ]
  }

  /// What is to be said of a later file's tokens that the vocabulary lacks.
  private func unknownNotices(
    _ tokens: [Int32], _ lost: Int, of texts: Int, _ vocabulary: TextVocabulary
  ) -> [String] {
    let unknown = tokens.count { $0 == TextVocabulary.unknown }
    let share = Double(unknown) / Double(max(tokens.count, 1))
    guard isLater, lost > 0 || share > 0.2 else { return [] }
    return [
      "\(name): \(readable(100 * share, digits: 2)) % of the \(vocabulary.unit.rawValue) are unknown to the run"
        + (lost > 0 ? ", all of them in \(lost) of \(counted(texts, "text"))" : "")
    ]
  }

  private func tooLong(_ row: Int, _ count: Int, _ longest: Int) -> FileError {
    table.fault(
      row: row, column: columns.text,
      "the text has \(count) tokens, and the longest of training had at most \(longest): shorten it, or train "
        + "with 'data.lengths', which cuts longer texts")
  }

  package var places: ExamplePlaces { examplePlaces(Array(0..<count)) }

  private func examplePlaces(_ rows: [Int]) -> ExamplePlaces {
    ExamplePlaces(
      file: name, rows: rows.map { $0 + 1 }, lines: rows.map { table.line(ofRow: $0) },
      files: table.files.count > 1 ? rows.map { table.file(ofRow: $0) } : nil)
  }

  package func summary(as description: DataDescription) throws -> PartSummary? {
    let some = Array(0..<count)
    return summary(some, try target.labels(table, some, description.target).values)
  }

  private func summary(_ some: [Int], _ labels: Dataset.Labels) -> PartSummary {
    func hash(_ rows: some Sequence<Int>) -> Fingerprint {
      .tree(rows.map { ("", Fingerprint(of: texts[$0])) })
    }
    var summaries = [PartSummary.Column(options.column, hash(some))]
    if let target = columns.target {
      summaries.append(.init(table.columns[target], labels.fingerprint))
    }
    return PartSummary(examples: some.count, columns: summaries) { run in
      .tree([("", hash(some[run])), ("", labels.fingerprint(run))])
    }
  }
}
