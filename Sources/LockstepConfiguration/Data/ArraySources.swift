import LockstepCatalog
import LockstepDatasets

/// Files of arrays: IDX as MNIST has them, NumPy's, plain numbers.
struct ArraySource: DataSource {
  let inputs: [String]
  let labels: [String]
  let testInputs: [String]?
  let testLabels: [String]?
  let options: ArrayOptions
  /// What files without a header hold: the shape of an example and the type; nil where files have one.
  let plain: (shape: [Int], element: ArrayElement)?

  var hasTest: Bool { testInputs != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    try content(inputs, labels, reading)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testInputs, let testLabels else { return nil }
    return try content(testInputs, testLabels, reading)
  }

  private func content(
    _ inputs: [String], _ labels: [String], _ reading: DataReading
  ) throws -> ArrayContent {
    try reading.arrays(inputs, labels: labels, options) { options in
      try ArrayContent(
        ArrayFile.open(inputs, plain: plain), labels: ArrayFile.open(labels), options)
    }
  }

  static let idx = Entry<any DataSource>(
    "idx", "files as MNIST has them, plain or gzip",
    files + [.with("classes", .integer(1...1_000_000), 10, "the number of classes")]
      + ArrayKeys.all + .cut + .order
  ) { values in try ArraySource(values, plain: nil) }

  static let arrays = Entry<any DataSource>(
    "arrays", "files of NumPy, .npy or .npz, safetensors, IDX files, or plain numbers",
    files + [
      .optional(
        "classes", .integer(1...1_000_000), "the number of classes",
        absence: "the largest label plus one"),
      .optional(
        "targetKind", .choice(TargetKind.self), "what labels are",
        absence: "`classes` where they are integers, else `values`"),
      .optional(
        "shape", .integers(1...Int(Int32.max), count: 1...8),
        "the shape of an example, where inputs have no header"),
      .optional(
        "element", .choice(ArrayElement.self),
        "the type of the inputs' numbers, little-endian, where they have no header",
        absence: "`float32`"),
    ] + ArrayKeys.all + .cut + .order
  ) { values in
    let shape: [Int]? = values["shape"]
    let element: ArrayElement? = values["element"]
    if shape == nil, element != nil {
      throw values.error("element", "goes with 'shape': both say what files without a header hold")
    }
    return try ArraySource(values, plain: shape.map { ($0, element ?? .float32) })
  }

  private static let files: [Hyperparameter] = [
    .required(
      "inputs", .files, "the file of the inputs; several, or a pattern such as `part-*.npy`"),
    .required("labels", .files, "the file of the labels; several, or a pattern"),
    .optional("testInputs", .files, "the file of the test inputs; several, or a pattern"),
    .optional("testLabels", .files, "the file of the test labels; several, or a pattern"),
  ]

  private init(
    _ values: Hyperparameters, plain: (shape: [Int], element: ArrayElement)?
  ) throws {
    inputs = (values["inputs"] as OneOrMore).texts
    labels = (values["labels"] as OneOrMore).texts
    testInputs = (values["testInputs"] as OneOrMore?)?.texts
    testLabels = (values["testLabels"] as OneOrMore?)?.texts
    guard (testInputs == nil) == (testLabels == nil) else {
      throw values.error(
        testInputs == nil ? "testInputs" : "testLabels", "is missing beside its counterpart")
    }
    var options = try ArrayKeys.options(values)
    options.classCount = values["classes"]
    options.layout.isHeaderless = plain != nil
    if values.contains("targetKind") {
      options.targetKind = values["targetKind"]
      options.layout.integersAreValues = options.targetKind == .values
    }
    self.options = options
    self.plain = plain
  }
}

/// The keys of all arrays and images that are stored as numbers.
enum ArrayKeys {
  static let normalization: [Hyperparameter] = [
    .standardize,
    .optional(
      "mean", .float32Numbers,
      "what is subtracted, a value a channel or one for all; fitted if absent"),
    .optional("deviation", .float32Numbers, "what is divided by then; fitted if absent"),
    .with("storage", ArrayOptions.Storage.automatic, "where examples are while the run uses them"),
  ]

  static let all: [Hyperparameter] =
    normalization + [
      .optional(
        "layout", .choice(ArrayAxes.self), "the order of the axes of images",
        absence: "`channelsFirst`")
    ]

  /// The options that these keys give.
  static func options(_ values: Hyperparameters) throws -> ArrayOptions {
    var options = ArrayOptions()
    options.normalization =
      try normalization(values) ?? (values["standardize"] ? .fitted : .none)
    options.storage = values["storage"]
    if values.contains("layout") {
      options.layout.isChannelsLast = values["layout"] as ArrayAxes == .channelsLast
    }
    return options
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

/// The order of the axes of images in files.
enum ArrayAxes: String, CaseIterable, Sendable {
  /// [n, c, h, w].
  case channelsFirst
  /// [n, h, w, c].
  case channelsLast
}

extension ArrayAxes: HyperparameterValue {}
extension ArrayElement: HyperparameterValue {}
extension ArrayOptions.Storage: HyperparameterValue {}
