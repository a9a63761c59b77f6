import LockstepCatalog
import LockstepDatasets

/// Tables of texts, one row a text.
struct TextRowsSource: DataSource {
  let file: String
  let testFile: String?
  let options: TextOptions

  var hasTest: Bool { testFile != nil }

  func training(_ reading: DataReading) throws -> any DataContent { try read(file, reading) }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFile, reading.description != nil else { return nil }
    return try read(testFile, reading)
  }

  private func read(_ file: String, _ reading: DataReading) throws -> any DataContent {
    let table = try CSVTable.read(file, delimiter: options.table.delimiter)
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
      .optional(
        "classes", .either(.integer(1...1_000_000), .texts),
        "their number, or their names; those of the training part if absent"),
      .with("tokenizer", TextVocabulary.Unit.words, "what a token is"),
      .with(
        "vocabulary", .integer(3...1 << 20), 10_000,
        "the number of tokens, which the model's is: padding, unknown, and the most frequent ones of the "
          + "training part"),
      .optional(
        "lengths", .integers(1...PaddedLengths.limit, count: 1...64),
        "the lengths that texts are padded to, in ascending order; longer texts are cut at the last",
        absence: "powers of two"),
      .with("delimiter", .text, ",", "the character between cells"),
    ] + .cut + .plainOrder
  ) { values in
    var table = TableOptions(target: values["target"])
    table.kind = values["targetKind"]
    table.id = values["id"]
    table.classes = try CSVSource.classNames(values, table.kind)
    table.delimiter = try CSVSource.delimiter(values)
    var options = TextOptions(column: values["text"], table: table)
    options.unit = values["tokenizer"]
    options.vocabulary = values["vocabulary"]
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
