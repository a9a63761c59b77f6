import LockstepLayers
import LockstepOptimization

/// Everything that a configuration can name, as tables: what the `catalog` command prints and the
/// configuration reference holds.
package enum CatalogTables {
  /// One thing that can be named, and its keys.
  package struct Row: Sendable {
    /// The `type` in a configuration.
    package let name: String
    /// What it is, in a few words.
    package let summary: String
    /// Each key with its default; required keys have none.
    package let keys: [(name: String, fallback: String?)]

    /// The keys in one line: `limit`, `norm` (2).
    func keyText(_ quote: String) -> String {
      keys.map { key in
        let name = quote + key.name + quote
        return key.fallback.map { $0.isEmpty ? name : "\(name) (\($0))" } ?? "\(name) "
          + (quote.isEmpty ? "required" : "*required*")
      }.joined(separator: ", ")
    }
  }

  /// Each kind with the key of a configuration that names one of it.
  package static let places: [(kind: String, place: String)] = [
    ("data", "data.type"), ("augmentations", "data.augment"), ("models", "model.type"),
    ("layers", "model.layers"), ("initializers", "weightInitializer, biasInitializer of layers"),
    ("losses", "loss.type"), ("optimizers", "optimizer.type"),
    ("schedules", "optimizer.schedule.type"), ("clips", "clip.type"),
    ("constraints", "constraints, constraint of layers"), ("regularizers", "regularizers"),
  ]

  /// The kinds of things, in the order of documentation.
  package static let kinds = places.map(\.kind)

  /// The rows of a kind; nil where there is none of the name.
  package static func rows(_ kind: String) -> [Row]? {
    switch kind {
    case "data": DataCatalog.types
    case "augmentations": DataCatalog.augmentations
    case "losses": rows(LossCatalog.catalog)
    case "optimizers": OptimizerCatalog.entries.map(row)
    // The length of a schedule is the run's where none is given.
    case "schedules":
      ScheduleCatalog.entries.map(row).map { entry in
        Row(
          name: entry.name, summary: entry.summary,
          keys: entry.keys.map { $0.name == "steps" ? (name: $0.name, fallback: "the run's") : $0 })
      }
    case "clips": ClipCatalog.entries.map(row)
    case "constraints": ConstraintCatalog.entries.map(row)
    case "regularizers": RegularizerCatalog.entries.map(row)
    case "models": rows(PresetCatalog.catalog)
    case "layers": rows(LayerCatalog.catalog)
    case "initializers": rows(InitializerCatalog.catalog)
    default: nil
    }
  }

  /// A kind as a table in Markdown.
  package static func markdown(_ kind: String) -> String? {
    guard let rows = rows(kind) else { return nil }
    let lines = rows.map { row in
      "| `\(row.name)` | \(row.summary) | \(row.keyText("`")) |"
    }
    return (["| type | meaning | keys (defaults) |", "|---|---|---|"] + lines)
      .joined(separator: "\n")
  }

  /// A kind as plain text.
  package static func text(_ kind: String) -> String? {
    rows(kind)?.map { row in
      "\(row.name): \(row.summary)\n" + (row.keys.isEmpty ? "" : "    \(row.keyText(""))\n")
    }.joined()
  }

  private static func row(_ entry: CatalogEntry) -> Row {
    Row(
      name: entry.name, summary: entry.summary,
      keys: entry.parameters.map { ($0.key, $0.defaultValue.map(short)) })
  }

  private static func short(_ value: HyperparameterValue) -> String {
    switch value {
    case .number(let number): plain(number)
    case .flag(let flag): "\(flag)"
    case .numbers(let numbers):
      numbers.isEmpty ? "" : "[\(numbers.map(plain).joined(separator: ", "))]"
    case .text(let text): text
    case .texts(let texts): texts.joined(separator: ", ")
    }
  }

  private static func plain(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }

  private static func rows<Product>(_ catalog: Catalog<Product>) -> [Row] {
    catalog.entries.map { entry in
      Row(
        name: entry.type, summary: entry.summary,
        keys: entry.hyperparameters.map { hyperparameter in
          (
            hyperparameter.key,
            hyperparameter.isRequired ? nil : hyperparameter.defaultValue.map(short) ?? ""
          )
        })
    }
  }

  private static func short(_ value: DescriptionValue) -> String {
    switch value {
    case .boolean(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): plain(number)
    case .text(let text): text
    case .integers(let list): "\(list)"
    case .description, .descriptions, .constraint: ""
    }
  }
}
