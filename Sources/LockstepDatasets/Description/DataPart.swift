/// Examples ready for a model, and where each came from.
public struct DataPart: Sendable {
  /// The examples.
  public let dataset: Dataset
  /// Where each example stands in its file.
  public let places: ExamplePlaces
  /// The name of each example, where a column names them.
  public let ids: [String]?
  /// Whether each example has a label; nil where all have. One without has a zero in its place.
  public let isLabelled: [Bool]?
  /// What tells these examples from others.
  public let summary: PartSummary

  package init(
    dataset: Dataset, places: ExamplePlaces, ids: [String]? = nil, isLabelled: [Bool]? = nil,
    summary: PartSummary
  ) {
    self.dataset = dataset
    self.places = places
    self.ids = ids
    self.isLabelled = isLabelled
    self.summary = summary
  }

  /// Whether an example has a label.
  public func hasLabel(_ example: Int) -> Bool { isLabelled?[example] ?? true }
}
