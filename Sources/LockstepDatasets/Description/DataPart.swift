/// Examples ready for a model, and where each came from.
public struct DataPart: Sendable {
  /// The examples.
  public let examples: any ExampleSource
  /// Where each example stands in its file.
  public let places: ExamplePlaces
  /// The name of each example, where a column names them.
  public let ids: [String]?
  /// Whether each example has a label; nil where all have. One without has a zero in its place.
  public let isLabelled: [Bool]?
  /// What tells these examples from others.
  public let summary: PartSummary

  package init(
    _ examples: any ExampleSource, places: ExamplePlaces, ids: [String]? = nil,
    isLabelled: [Bool]? = nil,
    summary: PartSummary
  ) {
    self.examples = examples
    self.places = places
    self.ids = ids
    self.isLabelled = isLabelled
    self.summary = summary
  }

  /// The examples in memory.
  ///
  /// - Throws: ``DatasetError`` where they are no table and no arrays, but windows of tokens.
  public var dataset: Dataset {
    get throws(DatasetError) {
      guard let dataset = examples as? Dataset else {
        throw DatasetError(
          examples.name, "holds windows of tokens, which are read where they are needed")
      }
      return dataset
    }
  }

  /// Whether an example has a label.
  public func hasLabel(_ example: Int) -> Bool { isLabelled?[example] ?? true }
}
