import LockstepCatalog
import LockstepDatasets

/// Files of arrays, as MNIST has them.
struct IDXSource: DataSource {
  let inputs: String
  let labels: String
  let testInputs: String?
  let testLabels: String?
  let options: ArrayOptions

  var hasTest: Bool { testInputs != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    try reading.arrays(try IDXFile.read(inputs), labels: try IDXFile.read(labels), options)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testInputs, let testLabels else { return nil }
    return try reading.arrays(
      try IDXFile.read(testInputs), labels: try IDXFile.read(testLabels), options)
  }

  static let entry = Entry<any DataSource>(
    "idx", "files as MNIST has them, plain or gzip",
    [
      .required("inputs", .file, "the file of the inputs"),
      .required("labels", .file, "the file of the labels"),
      .optional("testInputs", .file, "the file of the test inputs"),
      .optional("testLabels", .file, "the file of the test labels"),
      .with("classes", .integer(1...1_000_000), 10, "the number of classes"), .standardize,
      .optional(
        "mean", .float32Numbers,
        "what is subtracted, a value a channel or one for all; fitted if absent"),
      .optional("deviation", .float32Numbers, "what is divided by then; fitted if absent"),
    ] + .cut + .order
  ) { values in
    let (testInputs, testLabels): (String?, String?) = (values["testInputs"], values["testLabels"])
    guard (testInputs == nil) == (testLabels == nil) else {
      throw values.error(
        testInputs == nil ? "testInputs" : "testLabels", "is missing beside its counterpart")
    }
    var options = ArrayOptions()
    options.classCount = values["classes"]
    options.normalization =
      try normalization(values) ?? (values["standardize"] ? .fitted : .none)
    return IDXSource(
      inputs: values["inputs"], labels: values["labels"], testInputs: testInputs,
      testLabels: testLabels, options: options)
  }

  /// `mean` and `deviation`, which go together; nil where neither is given.
  private static func normalization(
    _ values: Hyperparameters
  ) throws -> ArrayOptions.Normalization? {
    let (mean, deviation): ([Double]?, [Double]?) = (values["mean"], values["deviation"])
    guard let mean, let deviation else {
      guard mean == nil, deviation == nil else {
        throw values.error(mean == nil ? "mean" : "deviation", "is missing beside its counterpart")
      }
      return nil
    }
    do throws(DatasetError) {
      _ = try ByteNormalization(
        mean: mean.map { Float($0) }, deviation: deviation.map { Float($0) })
    } catch {
      throw values.error("mean", "and 'deviation': \(error.reason)")
    }
    return .given(.init(mean: mean, deviation: deviation))
  }
}
