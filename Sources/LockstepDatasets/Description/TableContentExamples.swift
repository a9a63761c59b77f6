import LockstepFiles

// A table's rows as examples, read through a description.

extension TableContent {
  /// The most inputs that are made at once of a table that is stored.
  private static let mostInputs = 1 << 22

  /// A feature of a description, and its column here.
  struct Feature {
    let column: Int
    let name: String
    let encoding: ColumnEncoding
  }

  func features(_ input: ColumnsDescription) throws(FileError) -> [Feature] {
    var features: [Feature] = []
    for column in input.columns {
      features.append(
        Feature(
          column: try table.header.column(column.name), name: column.name,
          encoding: column.encoding))
    }
    return features
  }

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard case .columns(let input) = description.input else {
      throw DatasetError(name, "is a table, and the description is one of arrays")
    }
    let features = try features(input)
    if let stored = table as? StoredTable {
      guard further.isEmpty else {
        throw FileError(
          path: table.path, kind: .mismatch,
          reason: "stays on the disk, where examples have one target: set 'data.storage' to "
            + "\"memory\" for 'heads'")
      }
      return try StoredPart(content: self, stored, rows, features, description).part()
    }
    let summary = TableSummary(self, features, count: RowSelection(rows, of: table).count)
    var found: TableExamples?
    // All rows of a table in memory are one block.
    try forEachExamples(rows, features, description) { examples in
      summary.take(examples)
      found = examples
    }
    guard let found else { throw DatasetError(name, "has no examples") }
    let dataset = try Dataset(
      name: name, inputShape: [input.width], inputs: .floats(found.inputs), labels: found.labels,
      weights: found.weights,
      categories: zip(input.embedded, found.categories).map {
        Dataset.Category(column: $0, codes: $1)
      }, further: found.further.map(\.labels))
    try checkWeights(found.weights?.contains { $0 > 0 } ?? true, rows?.first ?? 0)
    return DataPart(
      dataset, places: places(rows),
      ids: idColumn.map { id in found.rows.map { found.block.trimmed(row: $0, column: id) } },
      isLabelled: found.isLabelled, furtherLabelled: found.further.map(\.isLabelled),
      summary: summary.summary,
      notices: try notices(of: features, rows))
  }

  /// Hands the examples of some rows to `body`, in order: of a table in memory all at once.
  func forEachExamples(
    _ rows: [Int]?, _ features: [Feature], _ description: DataDescription,
    _ body: (TableExamples) throws(FileError) -> Void
  ) throws(FileError) {
    let selection = RowSelection(rows, of: table)
    let width = features.map(\.encoding.width).reduce(0, +)
    let most = table.isStored ? max(Self.mostInputs / max(width, 1), 1) : .max
    try table.forEachBlock(of: usedColumns(features)) { block throws(FileError) in
      let all = selection.rows(of: block)
      var start = 0
      while start < all.count {
        let some = all.count <= most ? all : Array(all[start..<min(start + most, all.count)])
        start += some.count
        let labels = try target.labels(block, some, description.target)
        let weights = try weights(block, some)
        try body(
          TableExamples(
            block: block, rows: some, inputs: try Self.inputs(block, some, features, width),
            categories: features.compactMap { feature in
              feature.encoding.embedded?.codes(
                ColumnCells(table: block, column: feature.column), some)
            }, labels: labels.values, isLabelled: labels.isLabelled,
            further: try furtherLabels(block, some, description), weights: weights))
      }
    }
  }

  /// The columns that examples are made of, each once.
  private func usedColumns(_ features: [Feature]) -> [Int] {
    let targets = target.columns + further.flatMap(\.target.columns)
    let used = Set(features.map(\.column) + targets + [weightColumn].compactMap { $0 })
    return used.sorted()
  }

  /// The labels of further heads, and which rows have them.
  private func furtherLabels(
    _ block: CSVTable, _ rows: [Int], _ description: DataDescription
  ) throws(FileError) -> [(labels: Dataset.FurtherLabels, isLabelled: [Bool]?)] {
    var all: [(labels: Dataset.FurtherLabels, isLabelled: [Bool]?)] = []
    for (other, head) in zip(further, description.heads.dropFirst()) {
      let found = try other.target.labels(block, rows, head.target)
      let field = HeadDescription.labelField(head.name, at: all.count + 1)
      all.append((.init(field: field, labels: found.values), found.isLabelled))
    }
    return all
  }

  private func weights(_ block: CSVTable, _ rows: [Int]) throws(FileError) -> [Float]? {
    try weightColumn.map { column throws(FileError) in
      try Self.weights(ColumnCells(table: block, column: column), rows)
    }
  }

  private static func inputs(
    _ block: CSVTable, _ rows: [Int], _ features: [Feature], _ width: Int
  ) throws(FileError) -> [Float] {
    var writers: [(writer: any CellWriter, offset: Int)] = []
    var offset = 0
    for feature in features where feature.encoding.width > 0 {
      let cells = ColumnCells(table: block, column: feature.column)
      writers.append((feature.encoding.writer(cells), offset))
      offset += feature.encoding.width
    }
    var values = [Float](repeating: 0, count: rows.count * width)
    var failure: FileError?
    values.withUnsafeMutableBufferPointer { values in
      guard var place = values.baseAddress else { return }
      do throws(FileError) {
        for row in rows {
          try ReadingStop.check(block, row)
          for (writer, offset) in writers { try writer.write(row, to: place + offset) }
          place += width
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  /// Makes sure that an example of a part counts, whose first row is given.
  func checkWeights(_ isAnyPositive: Bool, _ first: Int) throws(FileError) {
    if isAnyPositive { return }
    throw table.fault(
      row: first, column: weightColumn ?? 0, "all examples have the weight 0: nothing counts")
  }

  /// What the user should know of some rows.
  func notices(of features: [Feature], _ rows: [Int]?) throws(FileError) -> [String] {
    var notices: [String] = []
    for feature in features {
      notices += try feature.encoding.notices(ColumnRows(table, feature.column, rows: rows))
        .map { "\(name): \($0)" }
    }
    return notices
  }

  // MARK: Places and summaries

  package var places: ExamplePlaces { places(nil) }

  func places(_ rows: [Int]?) -> ExamplePlaces {
    if table.isStored { return ExamplePlaces(file: name, rows: rows, of: table.places) }
    let rows = rows ?? Array(0..<count)
    return ExamplePlaces(
      file: name, rows: rows.map { $0 + 1 }, lines: rows.map(table.places.line(ofRow:)),
      files: table.places.files.count > 1 ? rows.map(table.places.file(ofRow:)) : nil)
  }

  package func summary(as description: DataDescription) throws -> PartSummary? {
    guard case .columns(let input) = description.input else { return nil }
    let features = try features(input)
    let summary = TableSummary(self, features, count: count)
    try table.forEachBlock(of: usedColumns(features)) { block throws(FileError) in
      let rows = Array(0..<block.rowCount)
      summary.take(
        TableExamples(
          block: block, rows: rows, inputs: [], categories: [],
          labels: try target.labels(block, rows, description.target).values, isLabelled: nil,
          further: try furtherLabels(block, rows, description),
          weights: try weights(block, rows)))
    }
    return summary.summary
  }
}
