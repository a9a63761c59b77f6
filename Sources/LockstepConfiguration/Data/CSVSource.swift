import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// Tables with a header, one row an example.
struct CSVSource: DataSource {
  let file: String
  let testFile: String?
  let options: TableOptions

  var hasTest: Bool { testFile != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    let table = try CSVTable.read(file, delimiter: options.delimiter)
    return try reading.table(table, name: file, options)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFile, let description = reading.description else { return nil }
    return try TableContent(
      CSVTable.read(testFile, delimiter: options.delimiter), as: description, id: reading.id)
  }

  static let entry = Entry<any DataSource>(
    "csv", "a table with a header, one row an example",
    [
      .required("file", .file, "the table"),
      .required("target", .text, "the column that is to be predicted"),
      .optional("testFile", .file, "the table of the test part"),
      .with("targetKind", TargetKind.classes, "what the target is"),
      .with("ignore", .texts, [], "columns that are left out"),
      .optional("id", .text, "the column that names rows in predictions"),
      .optional(
        "classes", .either(.integer(1...1_000_000), .texts),
        "their number, or their names; those of the training part if absent"),
      .optional(
        "fillMissing", .number(.float32),
        "what stands for missing values, which are errors if absent"),
      .with("delimiter", .text, ",", "the character between cells"), .standardize,
      .optional(
        "groupBy", .text,
        "a column, no feature: rows with one value of it are all in the training part or all in the test part"
      ),
      .optional(
        "orderBy", .text,
        "a column of numbers, or of dates as 2024-01-31: the test part is the last rows by it"),
    ] + .cut + .order
  ) { values in
    var options = TableOptions(target: values["target"])
    options.kind = values["targetKind"]
    options.ignoring = values["ignore"]
    if let group: String = values["groupBy"], group != options.target,
      group != values["id"] as String?, !options.ignoring.contains(group)
    {
      options.ignoring.append(group)
    }
    options.id = values["id"]
    options.missing = (values["fillMissing"] as Double?).map { .fill($0) } ?? .refuse
    options.classes = try classNames(values, options.kind)
    options.delimiter = try delimiter(values)
    options.standardize = values["standardize"]
    return CSVSource(file: values["file"], testFile: values["testFile"], options: options)
  }

  /// The character between cells.
  static func delimiter(_ values: Hyperparameters) throws -> Unicode.Scalar {
    let delimiter: String = values["delimiter"]
    guard delimiter.unicodeScalars.count == 1, let scalar = delimiter.unicodeScalars.first else {
      throw values.error("delimiter", "must be one character; found '\(delimiter)'")
    }
    return scalar
  }

  /// `classes`: their number, or their names in the order of their numbers.
  static func classNames(
    _ values: Hyperparameters, _ kind: TargetKind
  ) throws -> ClassNames? {
    guard values.contains("classes") else { return nil }
    guard kind == .classes else {
      throw values.error("classes", "goes with the target kind 'classes'; found 'values'")
    }
    let given: CountOrNames = values["classes"]
    switch given {
    case .count(let count): return ClassNames(count: count)
    case .names(let names):
      do throws(DatasetError) { return try ClassNames(names: names) } catch {
        throw values.error("classes", "cannot be used: \(error.reason)")
      }
    }
  }
}

extension TargetKind: HyperparameterValue {}

/// What `classes` of a table holds.
private enum CountOrNames: HyperparameterValue {
  case count(Int)
  case names([String])

  init?(hyperparameter value: JSONValue?) {
    if let count = value?.integerValue {
      self = .count(count)
    } else if let names = [String](hyperparameter: value) {
      self = .names(names)
    } else {
      return nil
    }
  }
}
