import LockstepCatalog
import LockstepDatasets

/// The digits that every program carries in itself.
struct DigitsSource: DataSource {
  var hasTest: Bool { true }

  func training(_ reading: DataReading) throws -> any DataContent {
    reading.made(try EmbeddedData.named(Self.entry.name).training)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    try EmbeddedData.named(Self.entry.name).test.map(reading.made)
  }

  static let entry = Entry<any DataSource>(
    "mnist-5k", "4,000 digits to train on, 1,000 to test on; embedded",
    // A resolved configuration may hold the keys of the cut, without a value.
    [Hyperparameter].cut.map(\.hidden) + .order
  ) { _ in DigitsSource() }
}

/// The table of tumours that every program carries in itself.
struct BreastCancerSource: DataSource {
  let standardize: Bool

  func training(_ reading: DataReading) throws -> any DataContent {
    var options = TableOptions(target: EmbeddedData.breastCancerTarget)
    options.kind = .values
    options.standardize = standardize
    return try reading.table(
      try EmbeddedData.breastCancerTable(), name: Self.entry.name, options)
  }

  static let entry = Entry<any DataSource>(
    "breast-cancer", "569 examples of 30 features, target 0 or 1; embedded",
    [.standardize] + .cut + .order
  ) { values in BreastCancerSource(standardize: values["standardize"]) }
}
