import LockstepDatasets
import LockstepFiles

/// What a run trains and tests on: where the examples come from and how they are cut.
public struct DataConfiguration: Sendable {
  /// Where examples come from.
  enum Source: Sendable {
    case embedded(String)
    case idx(IDXPaths)
    case csv(CSVOptions)
    case synthetic(@Sendable () throws -> Dataset)
  }

  struct IDXPaths: Sendable {
    let inputs: String
    let labels: String
    let testInputs: String?
    let testLabels: String?
    let classes: Int
    let normalization: ByteNormalization
  }

  struct CSVOptions: Sendable {
    let file: String
    let testFile: String?
    let target: String
    let kind: TargetKind
    let ignoring: [String]
    let missing: MissingValues
    let delimiter: Unicode.Scalar
  }

  /// How a test part is set apart where the data comes without one.
  enum Cut: Sendable {
    case none
    case fraction(Double)
    case fold(Int, of: Int)
  }

  let source: Source
  let cut: Cut
  let splitSeed: UInt64
  let standardize: Bool
  let augment: AugmentConfiguration
  /// Whether epochs have random orders; if not, all have the data's own.
  public let shuffle: Bool
  /// Whether an epoch's last batch is left out where it is not full.
  public let dropLast: Bool

  /// The examples to train on and, where there are any, those to test on.
  public struct Parts: Sendable {
    /// The training part.
    public let training: Dataset
    /// The test part, or nil.
    public let test: Dataset?

    /// A hash of both parts.
    public var fingerprint: Fingerprint {
      .tree(
        [("training", training.fingerprint)] + (test.map { [("test", $0.fingerprint)] } ?? []))
    }
  }

  /// Reads or makes the examples.
  ///
  /// - Throws: `FileError` or `DatasetError`.
  public func load() throws -> Parts {
    var (training, test) = try read()
    switch cut {
    case .none: break
    case .fraction(let fraction):
      let split = try Split.stratified(
        training.strata, testFraction: fraction, seed: splitSeed)
      (training, test) = (try training.subset(split.training), try training.subset(split.test))
    case .fold(let index, let count):
      let split = try Split.stratifiedFolds(
        training.strata, count: count, seed: splitSeed)[index]
      (training, test) = (try training.subset(split.training), try training.subset(split.test))
    }
    if standardize {
      let standardizer = try Standardizer(fitting: training)
      training = try standardizer.apply(to: training)
      test = try test.map { try standardizer.apply(to: $0) }
    }
    try augment.check(training)
    return Parts(
      training: try augment.normalize(training), test: try test.map(augment.normalize))
  }

  private func read() throws -> (Dataset, Dataset?) {
    switch source {
    case .embedded(let name):
      let parts = try EmbeddedData.named(name)
      return (parts.training, parts.test)
    case .idx(let paths):
      func part(_ inputs: String, _ labels: String) throws -> Dataset {
        try Dataset.idx(
          inputs: inputs, labels: labels, classCount: paths.classes,
          normalization: paths.normalization)
      }
      var test: Dataset?
      if let inputs = paths.testInputs, let labels = paths.testLabels {
        test = try part(inputs, labels)
      }
      return (try part(paths.inputs, paths.labels), test)
    case .csv(let options):
      func part(_ file: String) throws -> Dataset {
        try Dataset.csv(
          file, target: options.target, as: options.kind, ignoring: options.ignoring,
          missing: options.missing, delimiter: options.delimiter)
      }
      return (try part(options.file), try options.testFile.map(part))
    case .synthetic(let make):
      return (try make(), nil)
    }
  }
}

// MARK: - Reading

extension ConfigurationReader {
  /// Reads the object `data`.
  func data(seed: UInt64) throws(ConfigurationError) -> DataConfiguration {
    let types = EmbeddedData.names + ["idx", "csv", "blobs", "linear", "images"]
    let type = try string("type", oneOf: types)
    let source = try source(type, seed: seed)
    let isTable =
      switch type {
      case "csv", "breast-cancer": true
      default: false
      }
    let standardize = isTable ? try bool("standardize", default: true) : false
    var cut = DataConfiguration.Cut.none
    var splitSeed = 0
    let hasTest =
      switch source {
      case .embedded(let name): name == "mnist-5k"
      case .idx(let paths): paths.testInputs != nil
      case .csv(let options): options.testFile != nil
      case .synthetic: false
      }
    if !hasTest {
      cut = try self.cut()
      splitSeed = try integer("splitSeed", default: 0, in: 0...)
    }
    return DataConfiguration(
      source: source, cut: cut, splitSeed: UInt64(splitSeed), standardize: standardize,
      augment: try augment(),
      shuffle: try bool("shuffle", default: true), dropLast: try bool("dropLast", default: false))
  }

  private func cut() throws(ConfigurationError) -> DataConfiguration.Cut {
    let fraction = try optionalDouble("testFraction", above: 0, below: 1)
    let folds = try optionalInteger("folds", in: 2...)
    let fold = try optionalInteger("fold", in: 0...)
    if let fraction {
      if folds != nil || fold != nil {
        throw error("testFraction", "and 'folds' both cut a test part; give one of the two")
      }
      return .fraction(fraction)
    }
    switch (fold, folds) {
    case (nil, nil): return .none
    case (let fold?, let folds?):
      guard fold < folds else {
        throw error("fold", "must be less than 'folds', \(folds); found \(fold)")
      }
      return .fold(fold, of: folds)
    case (nil, _): throw error("fold", "is missing; 'folds' says how many there are")
    case (_, nil): throw error("folds", "is missing; 'fold' is one of them")
    }
  }

  private func source(
    _ type: String, seed: UInt64
  ) throws(ConfigurationError) -> DataConfiguration.Source {
    switch type {
    case "idx": return .idx(try idx())
    case "csv": return .csv(try csv())
    case "blobs":
      let (count, features, classes) = (
        try integer("examples", default: 1000, in: 1...1_000_000_000),
        try integer("features", default: 2, in: 1...100_000_000),
        try integer("classes", default: 2, in: 1...1_000_000)
      )
      let deviation = try double("deviation", default: 1, in: 0...)
      return .synthetic {
        try SyntheticData.blobs(
          count: count, features: features, classes: classes, deviation: deviation, seed: seed)
      }
    case "linear":
      let count = try integer("examples", default: 1000, in: 1...1_000_000_000)
      let weights = try doubles("weights", in: float32Range).map { Float($0) }
      let (bias, noise) = (
        try double("bias", default: 0, in: float32Range), try double("noise", default: 0, in: 0...)
      )
      return .synthetic {
        try SyntheticData.linear(
          count: count, weights: weights, bias: Float(bias), noise: noise, seed: seed)
      }
    case "images":
      let (count, shape, classes) = (
        try integer("examples", default: 1024, in: 1...1_000_000_000),
        try integers("shape", default: [1, 28, 28], in: 1...100_000),
        try integer("classes", default: 10, in: 1...1_000_000)
      )
      return .synthetic {
        try SyntheticData.images(count: count, shape: shape, classes: classes, seed: seed)
      }
    default: return .embedded(type)
    }
  }

  private func idx() throws(ConfigurationError) -> DataConfiguration.IDXPaths {
    let (inputs, labels) = (try string("inputs"), try string("labels"))
    let (testInputs, testLabels) = (
      try optionalString("testInputs"), try optionalString("testLabels")
    )
    guard (testInputs == nil) == (testLabels == nil) else {
      throw error(
        testInputs == nil ? "testInputs" : "testLabels", "is missing beside its counterpart")
    }
    let classes = try integer("classes", default: 10, in: 1...1_000_000)
    let mean = try doubles("mean", default: [0.1307]).map { Float($0) }
    let deviation = try doubles("deviation", default: [0.3081]).map { Float($0) }
    let normalization: ByteNormalization
    do throws(DatasetError) {
      normalization = try ByteNormalization(mean: mean, deviation: deviation)
    } catch {
      throw self.error("mean", "and 'deviation': \(error.reason)")
    }
    return .init(
      inputs: inputs, labels: labels, testInputs: testInputs, testLabels: testLabels,
      classes: classes, normalization: normalization)
  }

  private func csv() throws(ConfigurationError) -> DataConfiguration.CSVOptions {
    let delimiter = try string("delimiter", default: ",")
    guard delimiter.unicodeScalars.count == 1, let scalar = delimiter.unicodeScalars.first else {
      throw error("delimiter", "must be one character; found '\(delimiter)'")
    }
    let fill = try optionalDouble(
      "fillMissing",
      in: Double(-Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude))
    return .init(
      file: try string("file"), testFile: try optionalString("testFile"),
      target: try string("target"),
      kind: try string("targetKind", default: "classes", oneOf: ["classes", "values"]) == "values"
        ? .values : .classes,
      ignoring: try strings("ignore", default: []),
      missing: fill.map { .fill(Float($0)) } ?? .refuse, delimiter: scalar)
  }
}
