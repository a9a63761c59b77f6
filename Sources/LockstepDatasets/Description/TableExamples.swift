import LockstepFiles

/// Some rows of a table as a model gets them.
struct TableExamples {
  /// The block that the rows are in, and their numbers in it.
  let block: CSVTable
  let rows: [Int]
  /// The inputs, one row behind the other.
  let inputs: [Float]
  /// The numbers of the vectors of each category.
  let categories: [[Int32]]
  let labels: Dataset.Labels
  /// Whether each has a label; nil where all have.
  let isLabelled: [Bool]?
  /// The same of further heads.
  let further: [(labels: Dataset.FurtherLabels, isLabelled: [Bool]?)]
  let weights: [Float]?
}
