import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// Tables, one row an example.
struct CSVSource: DataSource {
  let files: [String]
  let testFiles: [String]?
  let options: TableOptions

  var dialect: CSVDialect? { options.dialect }
  var hasTest: Bool { testFiles != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    let own = Set(try TableFile.matching(files))
    if testFiles != files,
      let twice = try TableFile.matching(testFiles ?? []).first(where: own.contains)
    {
      throw FileError(
        path: twice, kind: .mismatch,
        reason:
          "is named by 'data.file' and by 'data.testFile', and the model would be tested on what it was trained "
          + "on")
    }
    let table = try read(files, reading)
    return try reading.table(table, name: TableFile.name(files), options)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFiles, let description = reading.description else { return nil }
    return try TableContent(
      read(testFiles, reading), name: TableFile.name(testFiles), as: description, id: reading.id)
  }

  private func read(_ files: [String], _ reading: DataReading) throws(FileError) -> CSVTable {
    try CSVTable.read(
      TableFile.matching(files), options.dialect,
      texts: (reading.description?.texts(id: reading.id) ?? options.texts)
        .union(options.cutting))
  }

  static let entry = Entry<any DataSource>(
    "csv", "a table with a header, one row an example",
    [
      .required("file", .files, "the table; several files, or a pattern such as `part-*.csv.gz`"),
      .required(
        "target", .either(.text, .texts),
        "the column that is to be predicted; several of numbers or of labels"),
      .optional("testFile", .files, "the table of the test part"),
      .with("targetKind", TargetKind.classes, "what the target is"),
      .with(
        "standardizeTarget", .boolean, false,
        "whether a target of numbers is brought to mean 0 and deviation 1 for the model, and back in "
          + "predictions"),
      .optional(
        "columns", .members { ColumnForm.form }, "what is said of columns, by their names"),
      .with("ignore", .texts, [], "columns that are left out"),
      .optional("id", .text, "the column that names rows in predictions"),
      .optional("weight", .text, "the column of what examples weigh in the loss"),
      .optional(
        "classes", .either(.integer(1...1_000_000), .texts),
        "their number, or their names; those of the training part if absent"),
      .optional(
        "fillMissing", .missing,
        "what stands for missing numbers, which are errors if absent: a number, or the training part's "
          + "`mean` or `median`"),
      .with(
        "missingIndicators", .boolean, false,
        "whether a further input is 1 where a number was missing"),
    ] + .dialect + [
      .standardize,
      .optional(
        "groupBy", .text,
        "a column, no feature: rows with one value of it are all in the training part or all in the test part"
      ),
      .optional(
        "orderBy", .text,
        "a column of numbers, or of dates as 2024-01-31: the test part is the last rows by it"),
    ] + .cut + .order
  ) { values in
    let options = try tableOptions(values)
    return CSVSource(
      files: (values["file"] as OneOrMore).texts,
      testFiles: (values["testFile"] as OneOrMore?)?.texts, options: options)
  }

  private static func tableOptions(_ values: Hyperparameters) throws -> TableOptions {
    let targets = (values["target"] as OneOrMore).texts
    guard let first = targets.first, Set(targets).count == targets.count else {
      throw values.error("target", "must name at least one column, and each once")
    }
    var options = TableOptions(target: first)
    options.targets = targets
    options.kind = values["targetKind"]
    guard targets.count == 1 || options.kind != .classes else {
      throw values.error(
        "target",
        "names \(targets.count) columns, and 'targetKind' is 'classes', of which an example has one: "
          + "set 'targetKind' to 'values' for numbers, or to 'labels' for columns of yes and no")
    }
    options.standardizesTarget = values["standardizeTarget"]
    if options.standardizesTarget, options.kind != .values {
      throw values.error(
        "standardizeTarget", "goes with the target kind 'values'; found '\(options.kind.rawValue)'")
    }
    options.ignoring = values["ignore"]
    options.weight = values["weight"]
    if let weight = options.weight, options.targets.contains(weight) {
      throw values.error(
        "weight", "names the target's column '\(weight)'; name another, or leave it out")
    }
    options.cutting = ["groupBy", "orderBy"].compactMap { values[$0] }
    for column in values.objects("columns") {
      options.rules.append((column.key, try ColumnForm.rule(column)))
    }
    if let group: String = values["groupBy"], !options.targets.contains(group),
      group != values["id"] as String?, group != options.weight, !options.ignoring.contains(group)
    {
      options.ignoring.append(group)
    }
    let ids = options.rules.filter { $0.rule.kind == .id }.map(\.name)
    options.id = values["id"] ?? ids.first
    guard ids.allSatisfy({ $0 == options.id }) else {
      throw values.error(
        "columns", "and 'id' name several columns that name rows: \(ids); give one")
    }
    options.missing = (values["fillMissing"] as GivenMissing?)?.policy ?? .refuse
    options.hasIndicators = values["missingIndicators"]
    options.classes = try classNames(values, options.kind)
    options.dialect = try CSVDialect(values)
    options.standardize = values["standardize"]
    return options
  }

  /// `classes`: their number, or their names in the order of their numbers.
  static func classNames(
    _ values: Hyperparameters, _ kind: TargetKind
  ) throws -> ClassNames? {
    guard values.contains("classes") else { return nil }
    guard kind == .classes else {
      throw values.error("classes", "goes with the target kind 'classes'; found '\(kind.rawValue)'")
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
