import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// Where examples come from: a kind of data that configurations can name.
protocol DataSource: Sendable {
  /// Whether a test part comes with the data.
  var hasTest: Bool { get }
  /// Whether the source cuts the test part itself, by its own `testFraction`.
  var cutsItself: Bool { get }
  /// Whether the examples follow from the run's seed.
  var isSeeded: Bool { get }
  /// Whether the examples follow from the number of examples of a batch.
  var followsBatchSize: Bool { get }
  /// How tables are written; nil where data is no table.
  var dialect: CSVDialect? { get }
  /// Where the cells of tables are.
  var tableStorage: TableStorage { get }
  /// The source of examples with targets for several heads; for one without `heads` where there are none.
  ///
  /// - Throws: `ConfigurationError` where it cannot have them.
  func with(
    heads: [TableHead], _ values: Hyperparameters
  ) throws(ConfigurationError) -> any DataSource
  /// The examples that the training part is, or is cut from.
  func training(_ reading: DataReading) throws -> any DataContent
  /// The examples of a test part that comes with the data, read through what training learned; nil where
  /// there is none.
  func test(_ reading: DataReading) throws -> (any DataContent)?
}

extension DataSource {
  var hasTest: Bool { false }
  var cutsItself: Bool { false }
  var isSeeded: Bool { false }
  var followsBatchSize: Bool { false }
  var dialect: CSVDialect? { nil }
  var tableStorage: TableStorage { TableStorage(.memory) }
  func test(_ reading: DataReading) throws -> (any DataContent)? { nil }

  func with(
    heads: [TableHead], _ values: Hyperparameters
  ) throws(ConfigurationError) -> any DataSource {
    guard !heads.isEmpty else { return self }
    throw values.error(
      "type",
      "is '\(values.name)', whose examples have one target; 'heads' needs several columns of a 'csv'"
    )
  }
}

/// How examples are read.
struct DataReading {
  /// The run's seed.
  let seed: UInt64
  /// The run's number of examples of a batch.
  let batchSize: Int
  /// Normalisations of images.
  let further: [ArrayDescription.Normalization]
  /// What training learned; nil where it is to be learned from these examples.
  var description: DataDescription?
  /// The column of a table that names a row; nil for the one that training knew.
  var id: String?

  /// A table, read through what training learned, or by the options.
  func table(_ table: CSVTable, name: String, _ options: TableOptions) throws -> TableContent {
    guard let description else { return try TableContent(table, name: name, options) }
    return try TableContent(table, name: name, as: description, id: id)
  }

  /// Series, read through what training learned, or by the options.
  func series(
    _ table: CSVTable, name: String, _ options: SeriesOptions
  ) throws -> SeriesContent {
    guard let description else { return try SeriesContent(table, name: name, options) }
    guard case .series(let known) = description.input else {
      throw DatasetError(name, "holds series, and the run was trained on other inputs")
    }
    return try SeriesContent(table, name: name, as: known, description.target, id: id)
  }

  /// Arrays, read through what training learned, or by the options.
  ///
  /// - Parameters:
  ///   - paths: the files of the inputs.
  ///   - labels: the files of the labels; nil where inputs bring theirs.
  ///   - content: makes what training learns from.
  func arrays(
    _ paths: [String], labels: [String]?, _ options: ArrayOptions,
    _ content: (ArrayOptions) throws -> ArrayContent
  ) throws -> ArrayContent {
    guard let description else {
      var options = options
      options.further = further
      return try content(options)
    }
    return try ArrayContent(
      paths, labels: labels, as: description, isTargetOptional: false, storage: options.storage)
  }

  /// Examples that are made as they are.
  func made(_ dataset: Dataset) -> MadeContent { MadeContent(dataset, further: further) }
}
