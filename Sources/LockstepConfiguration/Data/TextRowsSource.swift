import LockstepCatalog
import LockstepDatasets

/// Tables of texts, one row a text.
struct TextRowsSource: DataSource {
  let file: String
  let testFile: String?
  let options: TextOptions

  var dialect: CSVDialect? { options.table.dialect }
  var hasTest: Bool { testFile != nil }

  func training(_ reading: DataReading) throws -> any DataContent { try read(file, reading) }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFile, reading.description != nil else { return nil }
    return try read(testFile, reading)
  }

  private func read(_ file: String, _ reading: DataReading) throws -> any DataContent {
    let table = try CSVTable.read(
      file, options.table.dialect,
      texts: (reading.description?.texts(id: reading.id) ?? options.table.texts)
        .union([options.column]))
    guard let description = reading.description else { return try TextContent(table, options) }
    guard case .texts(let known) = description.input else {
      throw DatasetError(file, "holds texts, and the run was trained on other inputs")
    }
    return try TextContent(table, as: known, description.target, id: reading.id)
  }

  static let entry = Entry<any DataSource>(
    "text-rows", "a table of texts, one row a text, which have classes or values",
    [
      .required("file", .file, "the table"),
      .required("text", .text, "the column of the texts"),
      .required("target", .text, "the column that is to be predicted"),
      .optional("testFile", .file, "the table of the test part"),
      .optional("id", .text, "the column that names rows in predictions"),
      .with("targetKind", TargetKind.classes, "what the target is"),
      .with(
        "standardizeTarget", .boolean, false,
        "whether a target of numbers is brought to mean 0 and deviation 1 for the model, and back in "
          + "predictions"),
      .optional(
        "classes", .either(.integer(1...1_000_000), .texts),
        "their number, or their names; those of the training part if absent"),
      .with("tokenizer", TextVocabulary.Unit.words, "what a token is"),
      .with(
        "vocabulary", .integer(3...1 << 20), 10_000,
        "the number of tokens, which the model's is: padding, unknown, and the most frequent ones of the "
          + "training part"),
      .with(
        "minCount", .integer(atLeast: 1), 2,
        "how often a token must occur in the training part; rarer ones are unknown"),
      .optional(
        "lengths", .integers(1...PaddedLengths.limit, count: 1...64),
        "the lengths that texts are padded to, in ascending order; longer texts are cut at the last",
        absence: "powers of two"),
    ] + .dialect + .cut + .plainOrder
  ) { values in
    var table = TableOptions(target: values["target"])
    table.kind = values["targetKind"]
    table.id = values["id"]
    table.classes = try CSVSource.classNames(values, table.kind)
    table.dialect = try CSVDialect(values)
    table.standardizesTarget = values["standardizeTarget"]
    if table.standardizesTarget, table.kind != .values {
      throw values.error(
        "standardizeTarget", "goes with the target kind 'values'; found '\(table.kind.rawValue)'")
    }
    guard table.kind != .labels else {
      throw values.error("targetKind", "is 'classes' or 'values' for texts; found 'labels'")
    }
    var options = TextOptions(column: values["text"], table: table)
    options.unit = values["tokenizer"]
    options.vocabulary = values["vocabulary"]
    options.minCount = values["minCount"]
    if let lengths: [Int] = values["lengths"] {
      guard PaddedLengths(lengths) != nil else {
        throw values.error("lengths", "must ascend; found \(lengths)")
      }
      options.lengths = lengths
    }
    return TextRowsSource(file: values["file"], testFile: values["testFile"], options: options)
  }
}

extension TextVocabulary.Unit: HyperparameterValue {}
