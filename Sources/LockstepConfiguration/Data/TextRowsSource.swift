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
      .targetKind, .standardizeTarget, .targetClasses,
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
    let target = try TargetKeys(values)
    table.kind = target.kind
    table.standardizesTarget = target.standardizes
    table.classes = target.classes
    table.id = values["id"]
    table.dialect = try CSVDialect(values)
    var options = TextOptions(column: values["text"], table: table)
    options.unit = values["tokenizer"]
    options.vocabulary = values["vocabulary"]
    options.minCount = values["minCount"]
    options.lengths = try values.paddedLengths()
    return TextRowsSource(file: values["file"], testFile: values["testFile"], options: options)
  }
}

extension TextVocabulary.Unit: HyperparameterValue {}
