import LockstepConfiguration
import LockstepFiles
import Testing

/// The tables of data and augmentations say what is read.
@Suite struct DataCatalogTests {
  /// A value for each key that must be given.
  private let required: [String: JSONValue] = [
    "inputs": "a", "labels": "b", "file": "a.csv", "target": "y", "weights": [1, 2], "pixels": 1,
    "padding": 1, "mean": [0], "standardDeviation": [1],
  ]

  private func text(_ value: JSONValue) -> String {
    switch value {
    case .null, .array([]): ""
    case .string(let text): text
    case .array(let list) where list.count == 1: text(list[0])
    default: value.compactText.replacing(",", with: ", ").replacing(".0", with: "")
    }
  }

  private func check(
    _ row: CatalogTables.Row, _ read: (ConfigurationReader) throws -> Void
  ) throws {
    var object: JSONObject = ["type": .string(row.name)]
    for (key, fallback) in row.keys where fallback == nil {
      #expect(required[key] != nil, "no example of \(key)")
      object[key] = required[key]
    }
    let reader = try ConfigurationReader(.object(object))
    try read(reader)
    try reader.finish()
    let resolved = try #require(reader.resolved.objectValue)
    // Keys that cut a test part may be known, unset, where the data comes with one.
    let cut: Set = ["testFraction", "folds", "fold", "splitSeed"]
    let extra = Set(resolved.keys).subtracting(row.keys.map(\.name)).subtracting(["type"])
    #expect(extra.isSubset(of: row.name == "mnist-5k" ? cut : []), "\(row.name): \(extra)")
    #expect(Set(row.keys.map(\.name)).isSubset(of: resolved.keys), "\(row.name)")
    for case (let key, let fallback?) in row.keys {
      #expect(text(resolved[key] ?? .null) == fallback, "\(row.name) \(key)")
    }
  }

  @Test(arguments: ["data", "augmentations"]) func tablesAreWhatIsRead(_ kind: String) throws {
    for row in try #require(CatalogTables.rows(kind)) {
      try check(row) { reader in
        if kind == "data" {
          _ = try reader.data(seed: 1)
        } else {
          var read = AugmentConfiguration()
          try reader.augmentation(into: &read)
        }
      }
    }
  }

  /// A type that has no row is refused.
  @Test func thereAreNoOthers() throws {
    let error = #expect(throws: ConfigurationError.self) {
      _ = try ConfigurationReader(["type": "x"]).data(seed: 1)
    }
    for row in try #require(CatalogTables.rows("data")) {
      #expect(error?.reason.contains("'\(row.name)'") == true)
    }
  }
}
