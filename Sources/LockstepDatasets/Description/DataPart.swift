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

/// Where examples stand in the file that they came from.
public struct ExamplePlaces: Sendable, Equatable {
  /// The file, or the name of the data.
  public let file: String
  /// The row of each example, counted from 1; a header does not count.
  public let rows: [Int]
  /// The line of the file on which each example begins, counted from 1; nil where there are no lines.
  public let lines: [Int]?

  package init(file: String, rows: [Int], lines: [Int]? = nil) {
    self.file = file
    self.rows = rows
    self.lines = lines
  }

  /// The place of an example as messages name it: `line 18` of a text, `example 17` of an array.
  public func text(_ example: Int) -> String {
    lines.map { "line \($0[example])" } ?? "example \(rows[example])"
  }
}
