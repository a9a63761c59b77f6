import Lockstep
import LockstepFiles

/// What `lockstep inspect` shows of a table: what its columns hold, and a configuration to start with.
struct InspectTable {
  static let options: [OptionSpecification] =
    [
      .option("--target", "COLUMN", "of a table: the column to predict (default: a guess)"),
      .flag("--starter", "of a table: print a configuration that trains, and nothing else"),
    ] + dialectOptions

  /// How a table is written.
  static let dialectOptions: [OptionSpecification] = [
    .option("--delimiter", "CHAR", "of a table: the character between cells (default: found out)"),
    .option(
      "--decimal", "CHAR", "of a table: what stands in front of fractions (default: found out)"),
    .option("--comment", "CHAR", "of a table: what begins lines that are passed over"),
    .flag("--no-header", "of a table: the first row names no columns"),
  ]

  private static let endings = [".csv", ".tsv", ".tab", ".txt"]

  /// Whether a path names a table, by its ending, or by an option that goes with tables.
  static func isTable(_ path: String, _ arguments: Arguments) -> Bool {
    var name = path.lowercased()
    for ending in [".gz", ".zst"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
    return endings.contains { name.hasSuffix($0) }
      || options.contains { arguments.has($0.name) || arguments.value($0.name) != nil }
  }

  private let schema: TableSchema
  private let target: TableSchema.Column
  private let isGuess: Bool
  private let path: String

  /// - Parameter named: the column to predict; what the arguments say if nil.
  init(_ path: String, _ arguments: Arguments, target named: String? = nil) throws {
    func character(_ option: String) throws -> Unicode.Scalar? {
      guard let text = arguments.value(option) else { return nil }
      if text == "tab" { return "\t" }
      guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else {
        throw ArgumentError(description: "'\(option)' must be one character; found '\(text)'")
      }
      return scalar
    }
    let decimal = try character("--decimal") ?? "."
    guard [".", ","].contains(decimal) else {
      throw ArgumentError(description: "'--decimal' must be '.' or ','; found '\(decimal)'")
    }
    let delimiter = try character("--delimiter")
    let comment = try character("--comment")
    let files = try TableFile.matching([path])
    func read(hasDecimalComma: Bool) throws -> TableSchema {
      let dialect = CSVDialect(
        delimiter: delimiter, hasDecimalComma: hasDecimalComma, comment: comment,
        hasHeader: !arguments.has("--no-header"))
      return TableSchema(try CSVTable.read(files, dialect), name: TableFile.name(files))
    }
    self.path = path
    var schema = try read(hasDecimalComma: decimal == ",")
    if arguments.value("--decimal") == nil, schema.dialect.delimiter != ",",
      schema.columns.contains(where: Self.hasDecimalCommas)
    {
      schema = try read(hasDecimalComma: true)
    }
    self.schema = schema
    guard schema.rows > 0 else {
      throw InputFailure(description: "\(path): the table has no rows behind its header")
    }
    let wanted = named ?? arguments.value("--target")
    isGuess = wanted == nil
    let found =
      wanted.map { name in schema.columns.first { $0.name == name } } ?? schema.likelyTarget
    guard let found else {
      let nearest = wanted.flatMap { NearestName.find($0, among: schema.columns.map(\.name)) }
      throw InputFailure(
        description: "\(path): "
          + (wanted.map { "has no column '\($0)'" } ?? "has no column that could be predicted")
          + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
    }
    target = found
  }

  /// Whether a column looks like numbers with commas in front of their fractions.
  private static func hasDecimalCommas(_ column: TableSchema.Column) -> Bool {
    func isOne(_ text: String) -> Bool {
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      return parts.count == 2 && Int(parts[0]) != nil && !parts[1].isEmpty
        && parts[1].allSatisfy { "0"..."9" ~= $0 }
    }
    return column.kind != "number" && !column.examples.isEmpty
      && column.examples.allSatisfy(isOne)
  }

  // MARK: What the columns hold

  var text: String {
    let head = ["column", "kind", "missing", "distinct", "range or levels", "examples", "becomes"]
    let rows = schema.columns.map { column in
      [
        column.name.shortened(to: 40), column.kind, "\(column.missing)", "\(column.distinct)",
        column.range, column.examples.joined(separator: ", "),
        column.name == target.name ? "target: \(targetWords)" : column.treatment,
      ]
    }
    let widths = head.indices.map { place in
      ([head] + rows).map { $0[place].count }.max() ?? 0
    }
    let lines = ([head] + rows).map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        .joined(separator: "  ").trimmingBlanks
    }
    return
      "\(schema.name): \(counted(schema.rows, "row")), \(counted(schema.columns.count, "column"))\n\n"
      + lines.joined(separator: "\n") + "\n\nA configuration to start with"
      + (isGuess ? " (the target is a guess: name it with --target)" : "") + ":\n\n" + starter
  }

  var json: JSONValue { schema.json }

  /// The number of rows.
  var rows: Int { schema.rows }
  /// The column to predict.
  var targetName: String { target.name }

  /// Makes sure that there is a column.
  func requireColumn(_ name: String, _ option: String) throws {
    let names = schema.columns.map(\.name)
    guard !names.contains(name) else { return }
    throw ArgumentError(
      description: "'\(option)': \(path) has no column '\(name)'"
        + (NearestName.find(name, among: names).map { "; did you mean '\($0)'?" } ?? ""))
  }

  /// Whether the target is one of several classes, and no number. Few whole numbers from about 0 on, without
  /// wide gaps, are classes: 0 and 1, −1 and 1, 1 to 5, and no years.
  var isOfClasses: Bool {
    guard target.kind == "number" else { return true }
    guard target.isWhole, let low = target.numbers.first, let high = target.numbers.last else {
      return false
    }
    return low.magnitude <= 1 && high <= 2 * Double(target.distinct)
  }

  /// The number of outputs that a model needs.
  var outputs: Int { isOfClasses ? max(target.distinct, 2) : 1 }

  /// The names of classes that are no numbers from 0 on, one behind another.
  private var classNames: [String]? {
    guard isOfClasses, target.kind == "number",
      target.numbers != (0..<target.distinct).map(Double.init)
    else { return nil }
    return target.numbers.map { readable($0) }
  }

  /// The columns that the starter leaves out, and why.
  var leftOut: [(name: String, reason: String)] {
    schema.columns.filter { $0.name != target.name && $0.isLeftOut }.map {
      ($0.name, $0.treatment)
    }
  }

  /// Makes sure that the target is not the same everywhere.
  func requireSeveralValues() throws {
    guard target.distinct == 1, target.missing == 0 else { return }
    throw InputFailure(
      description: schema.rows == 1
        ? "\(path): the table has one row, which cannot be cut into a training and a test part"
        : "\(path): the target '\(target.name)' is the same in all \(schema.rows) rows: there is nothing to learn; "
          + "name another column by --target")
  }

  /// Makes sure that there is something to learn, and something to learn from.
  func requireTrainable() throws {
    if target.missing > 0 {
      throw InputFailure(
        description: "\(path): the target '\(target.name)' is missing in "
          + "\(counted(target.missing, "row")): take these rows out, or name another column by --target"
      )
    }
    if target.kind == "mixed" || target.kind == "empty" {
      throw InputFailure(
        description:
          "\(path): the target '\(target.name)' is no class and no number: "
          + (target.kind == "empty" ? "it has no values" : target.treatment))
    }
    guard schema.columns.count - 1 > leftOut.count else {
      throw InputFailure(
        description: "\(path): has no column to learn from"
          + leftOut.prefix(3).map { "; '\($0.name)': \($0.reason)" }.joined())
    }
  }

  /// What the target is, in words.
  var targetWords: String {
    isOfClasses ? counted(target.distinct, "class", plural: "classes") : "a number"
  }

  // MARK: What trains it

  /// A configuration that trains on the table, as far as its cells allow.
  var starter: String { configuration.prettyText + "\n" }

  /// The starter as JSON.
  var configuration: JSONValue {
    var data: JSONObject = ["type": "csv", "file": .string(path), "target": .string(target.name)]
    if !isOfClasses {
      data["targetKind"] = "values"
      data["standardizeTarget"] = true
    }
    if let classNames { data["classes"] = .array(classNames.map { .string($0) }) }
    for (key, value) in dialectKeys { data[key] = value }
    let features = schema.columns.filter { $0.name != target.name }
    let left = features.filter(\.isLeftOut).map(\.name)
    if !left.isEmpty { data["ignore"] = .array(left.map { .string($0) }) }
    if features.contains(where: { $0.kind == "number" && $0.missing > 0 && !$0.isLeftOut }) {
      data["fillMissing"] = "median"
      data["missingIndicators"] = true
    }
    var columns = JSONObject()
    for column in features where column.kind == "date" && column.missing > 0 {
      columns[column.name] = ["kind": "date", "missing": "mean"]
    }
    if !columns.members.isEmpty { data["columns"] = .object(columns) }
    data["testFraction"] = 0.2
    return [
      "data": .object(data),
      "model": ["type": "mlp", "sizes": [32, .integer(outputs)]],
      "loss": isOfClasses ? "softmaxCrossEntropy" : "meanSquaredError",
      "batchSize": .integer(schema.rows < 2000 ? 64 : 256), "epochs": 20,
      "optimizer": "adamW",
    ]
  }

  private var dialectKeys: [(String, JSONValue)] {
    let dialect = schema.dialect
    var keys: [(String, JSONValue)] = []
    if let delimiter = dialect.delimiter, delimiter != "," {
      keys.append(("delimiter", delimiter == "\t" ? "tab" : .string(String(Character(delimiter)))))
    }
    if dialect.hasDecimalComma { keys.append(("decimal", ",")) }
    if let comment = dialect.comment {
      keys.append(("comment", .string(String(Character(comment)))))
    }
    if !dialect.hasHeader { keys.append(("header", false)) }
    return keys
  }
}

extension String {
  /// Without blanks at the end.
  fileprivate var trimmingBlanks: String {
    String(self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)])
  }
}
