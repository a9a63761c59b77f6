import LockstepDatasets
import LockstepFiles

extension ConfigurationReader {
  /// Reads the object `data`.
  package func data(seed: UInt64) throws(ConfigurationError) -> DataConfiguration {
    let types = EmbeddedData.names + ["idx", "csv", "blobs", "linear", "images"]
    let type = try string("type", oneOf: types)
    let isFitted =
      switch type {
      case "csv", "breast-cancer", "idx": true
      default: false
      }
    let standardize = isFitted ? try bool("standardize", default: true) : false
    let source = try source(type, seed: seed, standardize)
    let hasTest =
      switch source {
      case .embedded(let name): name == "mnist-5k"
      case .idx(let paths): paths.testInputs != nil
      case .csv(let files): files.testFile != nil
      case .synthetic: false
      }
    // The keys are known wherever they stand, as in a resolved configuration; they act where there is
    // something to cut.
    let cut = try cut()
    if hasTest, case .none = cut {
    } else if hasTest {
      throw error(
        contains("testFraction") ? "testFraction" : "folds",
        "cuts a test part, and the data comes with one; remove it, or set it to null")
    }
    let splitSeed = try integer("splitSeed", default: 0, in: 0...)
    let augment = try augment()
    let isSynthetic: Bool = if case .synthetic = source { true } else { false }
    return DataConfiguration(
      source: source, cut: cut, splitSeed: UInt64(splitSeed), standardize: standardize,
      augment: augment,
      identity: [
        "data": resolved, "seed": isSynthetic ? .string("\(seed)") : .null,
      ],
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
    _ type: String, seed: UInt64, _ standardize: Bool
  ) throws(ConfigurationError) -> DataConfiguration.Source {
    switch type {
    case "idx": return .idx(try idx(standardize))
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

  private func idx(
    _ standardize: Bool
  ) throws(ConfigurationError) -> DataConfiguration.IDXPaths {
    let (inputs, labels) = (try filePath("inputs"), try filePath("labels"))
    let (testInputs, testLabels) = (
      try optionalFilePath("testInputs"), try optionalFilePath("testLabels")
    )
    guard (testInputs == nil) == (testLabels == nil) else {
      throw error(
        testInputs == nil ? "testInputs" : "testLabels", "is missing beside its counterpart")
    }
    return .init(
      inputs: inputs, labels: labels, testInputs: testInputs, testLabels: testLabels,
      classes: try integer("classes", default: 10, in: 1...1_000_000),
      normalization: try normalization() ?? (standardize ? .fitted : .none))
  }

  /// Reads `mean` and `deviation`, which go together; nil where neither is given.
  private func normalization() throws(ConfigurationError) -> ArrayOptions.Normalization? {
    let (mean, deviation) = (try optionalDoubles("mean"), try optionalDoubles("deviation"))
    guard let mean, let deviation else {
      guard mean == nil, deviation == nil else {
        throw error(mean == nil ? "mean" : "deviation", "is missing beside its counterpart")
      }
      return nil
    }
    do throws(DatasetError) {
      _ = try ByteNormalization(
        mean: mean.map { Float($0) }, deviation: deviation.map { Float($0) })
    } catch {
      throw self.error("mean", "and 'deviation': \(error.reason)")
    }
    return .given(.init(mean: mean, deviation: deviation))
  }

  /// An array of numbers, or nil where the key is absent or null.
  private func optionalDoubles(_ key: String) throws(ConfigurationError) -> [Double]? {
    if contains(key) { return try doubles(key, in: float32Range) }
    // Recorded as null.
    _ = try optionalString(key)
    return nil
  }

  private func csv() throws(ConfigurationError) -> DataConfiguration.CSVFiles {
    let delimiter = try string("delimiter", default: ",")
    guard delimiter.unicodeScalars.count == 1, let scalar = delimiter.unicodeScalars.first else {
      throw error("delimiter", "must be one character; found '\(delimiter)'")
    }
    var options = TableOptions(target: try string("target"))
    options.kind =
      TargetKind(
        rawValue: try string(
          "targetKind", default: "classes", oneOf: TargetKind.allCases.map(\.rawValue)))
      ?? .classes
    options.ignoring = try strings("ignore", default: [])
    options.id = try optionalString("id")
    options.missing =
      try optionalDouble(
        "fillMissing",
        in: -Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude)
      ).map { .fill($0) } ?? .refuse
    options.classes = try classNames(options.kind)
    options.delimiter = scalar
    return .init(
      file: try filePath("file"), testFile: try optionalFilePath("testFile"), options: options)
  }

  /// Reads `classes` of a table: their number, or their names in the order of their numbers.
  private func classNames(_ kind: TargetKind) throws(ConfigurationError) -> ClassNames? {
    guard contains("classes") else {
      _ = try optionalString("classes")
      return nil
    }
    guard kind == .classes else {
      throw error("classes", "goes with the target kind 'classes'; found 'values'")
    }
    guard case .array? = peek("classes") else {
      return ClassNames(count: try integer("classes", in: 1...1_000_000))
    }
    let names = try strings("classes")
    do throws(DatasetError) { return try ClassNames(names: names) } catch {
      throw self.error("classes", "cannot be used: \(error.reason)")
    }
  }
}
