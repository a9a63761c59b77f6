import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// Tables, one row an example.
struct CSVSource: DataSource {
  let files: [String]
  let testFiles: [String]?
  private(set) var options: TableOptions
  let tableStorage: TableStorage

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
    return try content(files, reading)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFiles, reading.description != nil else { return nil }
    return try content(testFiles, reading)
  }

  /// A table, read through what training learned, or by the options.
  private func content(_ files: [String], _ reading: DataReading) throws -> TableContent {
    let (paths, name) = (try TableFile.matching(files), TableFile.name(files))
    guard let description = reading.description else {
      return try TableContent(
        reading: paths, name: name, options, texts: options.texts, tableStorage)
    }
    return try TableContent(
      reading: paths, name: name, options.dialect,
      texts: description.texts(id: reading.id).union(options.cutting), tableStorage,
      as: description, id: reading.id)
  }

  func with(
    heads: [TableHead], _ values: Hyperparameters
  ) throws(ConfigurationError) -> any DataSource {
    guard let first = heads.first else {
      guard options.targets.count == 1 || options.kind != .classes else {
        throw values.error(
          "target",
          "names \(options.targets.count) columns, and 'targetKind' is 'classes', of which an example has one: "
            + "set 'targetKind' to 'values' for numbers, or to 'labels' for columns of yes and no; or give "
            + "each a loss of its own by 'heads'")
      }
      return self
    }
    for key in ["standardizeTarget", "classes"]
    where values.contains(key) && values.resolved[key] != .bool(false) {
      throw values.error(
        key, "is said by each of the 'heads' for its own target; leave it out here")
    }
    if options.kind != .classes {
      throw values.error(
        "targetKind", "follows from the loss of each of the 'heads'; leave it out here")
    }
    let named = heads.flatMap(\.columns)
    if let unknown = named.first(where: { !options.targets.contains($0) }) {
      throw values.error("target", "does not name '\(unknown)', which one of the 'heads' predicts")
    }
    if let idle = options.targets.first(where: { !named.contains($0) }) {
      throw values.error("target", "names '\(idle)', which none of the 'heads' predicts")
    }
    if Set(named).count != named.count {
      throw values.error("target", "has a column that two of the 'heads' predict")
    }
    var source = self
    source.options.targets = first.columns
    source.options.kind = first.kind
    source.options.classes = first.classes
    source.options.standardizesTarget = first.standardizes
    source.options.firstHead = first.name
    source.options.further = Array(heads.dropFirst())
    return source
  }

  static let entry = Entry<any DataSource>(
    "csv", "a table with a header, one row an example",
    [
      .required("file", .files, "the table; several files, or a pattern such as `part-*.csv.gz`"),
      .required(
        "target", .either(.text, .texts),
        "the column that is to be predicted; several of numbers or of labels, or those of `heads`"),
      .optional("testFile", .files, "the table of the test part"),
      .with("targetKind", TargetKind.classes, "what the target is"),
      .standardizeTarget,
      .optional(
        "columns", .members { ColumnForm.form }, "what is said of columns, by their names"),
      .with("ignore", .texts, [], "columns that are left out"),
      .optional("id", .text, "the column that names rows in predictions"),
      .optional("weight", .text, "the column of what examples weigh in the loss"),
      .targetClasses,
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
        "a column of numbers, or of dates: the test part is the last rows by it"),
      .with(
        "storage", ArrayOptions.Storage.automatic,
        "where the table's cells are while the run uses them"),
      .optional(
        "cache", .file, "the folder of files that are made of a table that stays on the disk",
        absence: "`.lockstep` beside the table"),
    ] + .cut + .order
  ) { values in
    let options = try tableOptions(values)
    return CSVSource(
      files: (values["file"] as OneOrMore).texts,
      testFiles: (values["testFile"] as OneOrMore?)?.texts, options: options,
      tableStorage: TableStorage(values["storage"], folder: values["cache"]))
  }

  private static func tableOptions(_ values: Hyperparameters) throws -> TableOptions {
    let targets = (values["target"] as OneOrMore).texts
    guard let first = targets.first, Set(targets).count == targets.count else {
      throw values.error("target", "must name at least one column, and each once")
    }
    var options = TableOptions(target: first)
    options.targets = targets
    let target = try TargetKeys(values)
    options.kind = target.kind
    options.standardizesTarget = target.standardizes
    options.classes = target.classes
    options.ignoring = values["ignore"]
    options.weight = values["weight"]
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
    try checkRoles(values, options)
    options.missing = (values["fillMissing"] as GivenMissing?)?.policy ?? .refuse
    options.hasIndicators = values["missingIndicators"]
    options.dialect = try CSVDialect(values)
    options.standardize = values["standardize"]
    return options
  }

  /// Makes sure that no column has two roles.
  private static func checkRoles(_ values: Hyperparameters, _ options: TableOptions) throws {
    for target in options.targets {
      if target == options.weight {
        throw values.error(
          "weight", "names the target's column '\(target)'; name another, or leave it out")
      }
      if options.rules.contains(where: { $0.name == target }) {
        throw values.error("columns", "names the target's column '\(target)', which is no feature")
      }
    }
    if let weight = options.weight {
      if weight == options.id {
        throw values.error("weight", "names the column '\(weight)', and so does 'id'; name another")
      }
      if options.ignoring.contains(weight) {
        throw values.error(
          "ignore", "names the column '\(weight)', and so does 'weight'; leave it out of one")
      }
    }
  }
}
