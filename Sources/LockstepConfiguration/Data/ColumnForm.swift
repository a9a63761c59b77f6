import LockstepCatalog
import LockstepDatasets
import LockstepFiles

extension ColumnKind: HyperparameterValue {}
extension DateOrder: HyperparameterValue {}

/// What `data.columns` says of a column.
enum ColumnForm {
  static let form = Form(
    "column",
    [
      .optional(
        "kind", .choice(ColumnKind.self), "what it holds", absence: "what its cells show"),
      .optional(
        "missing", .missing,
        "of numbers and dates: what stands for missing values; `error` of the others, whose missing values "
          + "have a code of their own", absence: "`fillMissing`"),
      .optional(
        "indicator", .boolean,
        "of numbers and dates: whether a further input is 1 where the value was missing",
        absence: "`missingIndicators`"),
      .optional(
        "maxLevels", .integer(1...1_000_000),
        "of categories: the most levels; more are an error", absence: "64 where `embedding` is 0"),
      .optional(
        "minCount", .integer(1...1_000_000_000),
        "of categories: levels with fewer examples share one input, unknown ones too",
        absence: "1"),
      .optional(
        "embedding", .integer(0...4096),
        "of categories: how many values the vector has that the model learns for each level; 0: an input a level",
        absence: "0 up to 64 levels, min(50, 1.6 √levels) beyond"),
      .optional(
        "format", .choice(DateOrder.self),
        "of dates: whether the day (`dmy`) or the month (`mdy`) comes first",
        absence: "what the dates show"),
      .optional(
        "parts", .texts,
        "of dates: what they become: year, month, day, weekday, dayOfYear, hour, minute, days (since 1970)",
        absence: "year, month, day, weekday and hour, as far as they differ"),
    ], shorthand: "kind")

  /// What the keys of a column say.
  static func rule(_ values: Hyperparameters) throws(ConfigurationError) -> ColumnRule {
    var rule = ColumnRule(values["kind"])
    rule.missing = (values["missing"] as GivenMissing?)?.policy
    rule.hasIndicator = values["indicator"]
    rule.maxLevels = values["maxLevels"]
    rule.minCount = values["minCount"]
    rule.embedding = values["embedding"]
    rule.dateOrder = values["format"]
    if let names: [String] = values["parts"] {
      let parts = names.compactMap(DatePart.init)
      guard parts.count == names.count, Set(parts).count == parts.count, !parts.isEmpty else {
        throw values.error(
          "parts",
          "must be of \(DatePart.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")), each "
            + "once; found \(names)")
      }
      rule.parts = parts
    }
    try check(rule, values)
    if rule.kind == nil { rule.kind = implied(rule) }
    return rule
  }

  /// The kinds that a key has a meaning for.
  private static let kinds: [(key: String, kinds: [ColumnKind])] = [
    ("missing", [.number, .date, .category, .boolean]), ("indicator", [.number, .date]),
    ("maxLevels", [.category]), ("minCount", [.category]),
    ("embedding", [.category]), ("format", [.date]),
    ("parts", [.date]),
  ]

  private static func check(
    _ rule: ColumnRule, _ values: Hyperparameters
  ) throws(ConfigurationError) {
    for (key, kinds) in kinds where values.contains(key) {
      guard let kind = rule.kind, !kinds.contains(kind) else { continue }
      throw values.error(
        key,
        "goes with the kind\(kinds.count == 1 ? "" : "s") "
          + "\(kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")); the kind is '\(kind.rawValue)'"
      )
    }
    switch (rule.kind, rule.missing) {
    case (.category?, let missing?), (.boolean?, let missing?):
      guard missing != .refuse else { break }
      throw values.error(
        "missing",
        "must be 'error' of a \(rule.kind == .category ? "category" : "boolean"), or be left out: "
          + "missing values have a code of their own")
    case (.date?, .fill?):
      throw values.error("missing", "must be 'error', 'mean' or 'median' of a date; found a number")
    default: break
    }
  }

  /// The kind that keys of one kind alone imply.
  private static func implied(_ rule: ColumnRule) -> ColumnKind? {
    if rule.dateOrder != nil || rule.parts != nil { return .date }
    return rule.maxLevels != nil || rule.minCount != nil || rule.embedding != nil ? .category : nil
  }
}

extension HyperparameterKind {
  /// What stands for missing values.
  static var missing: Self { .either(.number(.float32), .choice(["error", "mean", "median"])) }
}

/// What stands for missing values, as a configuration says it.
struct GivenMissing: HyperparameterValue {
  let policy: MissingValues

  init?(hyperparameter value: JSONValue?) {
    switch value?.stringValue {
    case "error": policy = .refuse
    case "mean": policy = .mean
    case "median": policy = .median
    default:
      guard let number = value?.doubleValue else { return nil }
      policy = .fill(number)
    }
  }
}
