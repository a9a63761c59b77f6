import LockstepFiles

/// A part of a table that is stored: its examples are written to a file once, and read from there.
struct StoredPart {
  private let content: TableContent
  private let table: StoredTable
  private let rows: [Int]?
  private let features: [TableContent.Feature]
  private let description: DataDescription
  /// The columns whose cells become the numbers of vectors.
  private let categories: [EmbeddedColumn]

  /// - Parameter rows: the part's, ascending; nil for all.
  init(
    content: TableContent, _ table: StoredTable, _ rows: [Int]?,
    _ features: [TableContent.Feature], _ description: DataDescription
  ) {
    self.content = content
    self.table = table
    self.rows = rows
    self.features = features
    self.description = description
    categories = description.embedded
  }

  /// The part, whose file is written unless it is there.
  func part() throws -> DataPart {
    let path = content.storage.path(table.path, contents, ending: "rows")
    try content.storage.make(path) { output in try write(to: &output) }
    let examples = try StoredRows(path, name: content.name, categories: categories)
    let names = content.idColumn.map { StoredNames(table: table, column: $0, rows: rows) }
    return DataPart(
      examples, places: content.places(rows), storedNames: names,
      isLabelled: examples.isLabelled, summary: examples.summary, notices: examples.notices)
  }

  /// The hash of all that the file follows from.
  private var contents: Fingerprint {
    var fitted = description
    (fitted.training, fitted.test, fitted.whole, fitted.labels) = (nil, nil, nil, nil)
    return .tree([
      ("version", Fingerprint(of: [StoredRows.version])), ("cells", table.contents),
      ("description", Fingerprint(of: fitted.json.compactText)),
      ("rows", Fingerprint(of: rows ?? [-1])),
      ("targets", Fingerprint(of: content.target.columns + [content.target.isOptional ? 1 : 0])),
    ])
  }

  private func write(to output: inout AtomicFile.Output) throws {
    let count = RowSelection(rows, of: table).count
    let summary = TableSummary(content, features, count: count)
    let values = StoredValues(categories.count)
    try content.forEachExamples(rows, features, description) { examples throws(FileError) in
      summary.take(examples)
      values.take(examples)
      if categories.isEmpty {
        try output.append(examples.inputs)
      } else {
        try output.append(examples.records)
      }
    }
    guard let labels = values.labels else { throw DatasetError(content.name, "has no examples") }
    try content.checkWeights(values.weights?.contains { $0 > 0 } ?? true, rows?.first ?? 0)
    var json: JSONObject = [
      "examples": .integer(count), "inputs": .integer(description.inputShape[0]),
      "weights": .bool(values.weights != nil), "labelled": .bool(values.isLabelled == nil),
      "summary": summary.summary.json,
      "notices": .array(try content.notices(of: features, rows).map { .string($0) }),
      "fingerprint": .string(
        values.fingerprint(description.inputShape, labels, categories).description),
    ]
    switch labels {
    case .classes(let classes, let count):
      try output.append(classes)
      (json["classes"], json["targets"]) = (.integer(count), 1)
    case .targets(let values, let width):
      try output.append(values)
      json["targets"] = .integer(width)
    }
    if let weights = values.weights { try output.append(weights) }
    if let isLabelled = values.isLabelled {
      try output.append(isLabelled.map { $0 ? UInt8(1) : 0 })
    }
    let text = Array(JSONValue.object(json).compactText.utf8)
    try output.append(text)
    try output.append([text.count, StoredRows.mark])
  }
}

/// What is written beside a part's inputs, and hashes of all.
private final class StoredValues {
  private var classes: [Int32] = []
  private var targets: [Float] = []
  /// The number of classes, or of target values of an example, and which of the two.
  private var kind: (number: Int, areClasses: Bool)?
  private(set) var weights: [Float]?
  /// Whether each example has a label; nil where all have.
  private(set) var isLabelled: [Bool]?
  private var count = 0
  private let inputs = Hash()
  private let categories: [Hash]

  private final class Hash {
    var stream = FingerprintStream()
  }

  init(_ categories: Int) { self.categories = (0..<categories).map { _ in Hash() } }

  var labels: Dataset.Labels? {
    kind.map {
      $0.areClasses ? .classes(classes, count: $0.number) : .targets(targets, width: $0.number)
    }
  }

  /// Takes the next examples.
  func take(_ examples: TableExamples) {
    switch examples.labels {
    case .classes(let own, let count):
      kind = (count, true)
      classes += own
    case .targets(let own, let width):
      kind = (width, false)
      targets += own
    }
    if let own = examples.weights { weights = weights ?? []; weights? += own }
    if let own = examples.isLabelled {
      isLabelled = isLabelled ?? [Bool](repeating: true, count: count)
      isLabelled? += own
    } else {
      isLabelled? += [Bool](repeating: true, count: examples.rows.count)
    }
    count += examples.rows.count
    examples.inputs.withUnsafeBytes { inputs.stream.update($0) }
    for (hash, codes) in zip(categories, examples.categories) {
      codes.withUnsafeBytes { hash.stream.update($0) }
    }
  }

  /// What a data set of the same examples in memory has.
  func fingerprint(
    _ shape: [Int], _ labels: Dataset.Labels, _ columns: [EmbeddedColumn]
  ) -> Fingerprint {
    Dataset.fingerprint(
      inputShape: shape,
      [("floats", inputs.stream.fingerprint), ("black", Fingerprint(of: [Float(0)]))],
      [labels], weights,
      categories: zip(columns, categories).map { ($0.inputName, $1.stream.fingerprint) })
  }
}

extension TableExamples {
  /// Inputs and numbers of vectors, one example behind the other.
  fileprivate var records: [UInt32] {
    let width = inputs.count / max(rows.count, 1)
    var records: [UInt32] = []
    records.reserveCapacity(rows.count * (width + categories.count))
    for row in rows.indices {
      for value in inputs[row * width..<(row + 1) * width] { records.append(value.bitPattern) }
      for codes in categories { records.append(UInt32(bitPattern: codes[row])) }
    }
    return records
  }
}
