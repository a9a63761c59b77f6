/// The raw examples of a file or of a generator, before anything is fitted: what a description is
/// made of, and what it is applied to.
package protocol DataContent: Sendable {
  /// What the examples are called in messages: a file's path.
  var name: String { get }
  /// The number of examples.
  var count: Int { get }
  /// What the user should know about the examples.
  var notices: [String] { get }
  /// What the user should know where distinct numbers become one in Float32, as examples are kept.
  func roundingNotices(as description: DataDescription) -> [String]
  /// What the user should know of what was learned from some of the examples, the training part.
  func fittingNotices(_ rows: [Int]?, as description: DataDescription) throws -> [String]
  /// The stratum of each example, for stratified splits.
  func strata() throws -> [Int]
  /// What can be learned from some of the examples, the training part; from all where `rows` is nil.
  func describe(_ rows: [Int]?) throws -> DataDescription
  /// Some of the examples, or all, ready for a model.
  ///
  /// - Throws: `FileError` or ``DatasetError`` where an example does not fit the description; it names
  ///   the row.
  func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart
  /// What tells all of the examples from others; nil where nothing but the configuration does.
  func summary(as description: DataDescription) throws -> PartSummary?
  /// Where all of the examples stand.
  var places: ExamplePlaces { get }
}

extension DataContent {
  package func roundingNotices(as description: DataDescription) -> [String] { [] }

  package func fittingNotices(
    _ rows: [Int]?, as description: DataDescription
  ) throws -> [String] { [] }

  package func summary(as description: DataDescription) throws -> PartSummary? { nil }

  package var places: ExamplePlaces {
    ExamplePlaces(file: name, rows: (0..<count).map { $0 + 1 })
  }

  /// What can be learned from all of the examples.
  package func describe() throws -> DataDescription { try describe(nil) }

  /// All examples, ready for a model.
  package func part(as description: DataDescription) throws -> DataPart {
    try part(nil, as: description)
  }
}
