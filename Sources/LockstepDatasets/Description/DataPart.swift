import LockstepFiles

/// Examples ready for a model, and where each came from.
package struct DataPart: Sendable {
  /// The examples.
  package private(set) var examples: any ExampleSource
  /// Where each example stands in its file.
  package let places: ExamplePlaces
  /// The name of each example, where a column names them.
  package let ids: [String]?
  /// The same of a table that is stored, from which they are read when they are asked for.
  private let storedNames: StoredNames?
  /// Whether each example has a label; nil where all have. One without has a zero in its place.
  package private(set) var isLabelled: [Bool]?
  /// The same of the labels of each further head.
  private let furtherLabelled: [[Bool]?]
  /// What tells these examples from others.
  package let summary: PartSummary
  /// What the user should know about these examples.
  package let notices: [String]

  package init(
    _ examples: any ExampleSource, places: ExamplePlaces, ids: [String]? = nil,
    storedNames: StoredNames? = nil, isLabelled: [Bool]? = nil,
    furtherLabelled: [[Bool]?] = [],
    summary: PartSummary, notices: [String] = []
  ) {
    self.examples = examples
    self.places = places
    self.ids = ids
    self.storedNames = storedNames
    self.isLabelled = isLabelled
    self.furtherLabelled = furtherLabelled
    self.summary = summary
    self.notices = notices
  }

  /// The part as one of a head alone.
  package func head(_ index: Int) -> DataPart {
    var part = self
    if let dataset = examples as? Dataset, index <= dataset.further.count {
      part.examples = dataset.head(index)
    }
    if index > 0, index <= furtherLabelled.count { part.isLabelled = furtherLabelled[index - 1] }
    return part
  }

  /// The examples in memory.
  ///
  /// - Throws: ``DatasetError`` where they are no table and no arrays, but windows of tokens.
  package var dataset: Dataset {
    get throws(DatasetError) {
      guard let dataset = examples as? Dataset else {
        throw DatasetError(
          examples.name, "holds windows of tokens, which are read where they are needed")
      }
      return dataset
    }
  }

  /// The names of a run of examples, where a column names them.
  ///
  /// - Throws: `FileError` where they cannot be read.
  package func names(of examples: Range<Int>) throws(FileError) -> [String]? {
    if let ids { return Array(ids[examples]) }
    return try storedNames?.names(of: examples)
  }

  /// The labels of all examples, or of all their steps.
  ///
  /// - Throws: ``DatasetError`` where the examples are windows of tokens.
  package var labels: Dataset.Labels {
    get throws(DatasetError) {
      if let sequences = examples as? SequenceDataset { return sequences.labels }
      if let labelled = examples as? any LabelledSource { return labelled.labels }
      return try dataset.labels
    }
  }

  /// The example that a label belongs to, of which there may be one a step.
  package func example(ofLabel place: Int) -> Int {
    guard let sequences = examples as? SequenceDataset, sequences.labelsPositions else {
      return place
    }
    return (sequences.starts.firstIndex { $0 > place } ?? 1) - 1
  }

  /// Whether an example has a label.
  package func hasLabel(_ example: Int) -> Bool { isLabelled?[example] ?? true }
}
