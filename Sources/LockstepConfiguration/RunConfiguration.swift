import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTraining

/// Everything that a configuration says about a run, checked, with defaults filled in.
///
/// ```json
/// {
///   "data": {"type": "mnist-5k"},
///   "model": {"type": "digits-cnn"},
///   "batchSize": 64, "epochs": 10,
///   "optimizer": {"type": "adam", "learningRate": 1e-3},
///   "clip": {"type": "globalNorm", "limit": 1}
/// }
/// ```
public struct RunConfiguration: Sendable {
  /// The examples.
  public let data: DataConfiguration
  /// The model.
  public let model: any Model
  /// What is minimised: the loss of the labels, or its mixture with a teacher's predictions.
  public let loss: any LossFunction
  /// The loss of the labels.
  public let labelLoss: any LossFunction
  /// The teacher, where there is one.
  public let distillation: DistillationConfiguration?
  /// The number of examples of a step, over all ranks.
  public let batchSize: Int
  /// The number of logical shards L.
  public let shards: Int
  /// The key of everything random.
  public let seed: UInt64
  /// The number of threads of each rank.
  public let threads: Int
  /// Where the inputs of examples are made ready.
  public let inputs: InputPreparation
  /// Clips, optimizer, groups, constraints.
  public let update: UpdateConfiguration
  /// The Hessian-free step's options, where that takes the optimizer's place.
  public let hessianFree: HessianFreeOptions?
  /// What becomes of a step whose gradient is not finite.
  public let nonFinite: NonFinitePolicy
  /// What does not move.
  public let freezing: Freezing
  /// The weights to start from.
  public let initialWeights: InitialWeights?
  /// Which ranks update which parameters.
  public let sharing: UpdateSharing
  /// The name of the order in which gradients are added: `tree` or `allreduce`.
  public let reduction: String
  /// How gradients travel between ranks.
  public let wire: WirePrecision
  /// How many bytes of gradients travel together beside the backward pass; nil for what the link
  /// between nodes suggests.
  public let bucketBytes: Int?
  /// How primitives are chosen.
  public let planOptions: PlanOptions
  /// The seconds that a wait inside a step may take.
  public let watchdogSeconds: Double
  /// How long, and when to do what.
  public let options: TrainerOptions
  /// How many of the newest checkpoints are kept.
  public let keptCheckpoints: Int
  /// How many test examples are computed at once.
  public let evaluationBatchSize: Int
  /// The configuration with all defaults, as `config.json` has it.
  public let resolved: JSONValue

  /// The configuration as it was given.
  private let given: JSONValue
  /// The folder that its paths are relative to.
  private let directory: String

  /// The dotted keys that may differ from a checkpoint's: they say how long to train and how, and
  /// change no bit of a healthy step.
  public static let mayDiffer: Set<String> = Set(
    [
      "epochs", "steps", "threads", "inputs", "update", "checkpoint", "evaluate", "replicaGuard",
      "bucketBytes", "watchdog", "nonFinite", "log",
    ] + dataPaths)  // that the data is the same is checked by its values

  /// The dotted keys that name files of data.
  private static let dataPaths = [
    "data.file", "data.testFile", "data.inputs", "data.labels", "data.testInputs",
    "data.testLabels",
  ]

  /// An override whose paths are relative to the working directory, where the user typed them, and
  /// not to the configuration's folder.
  private static func typed(_ override: Override) -> Override {
    var value = override.value
    for key in dataPaths + ["initialWeights.file", "distillation.teacher"] {
      if key == override.path, let path = value.stringValue {
        value = .string(AbsolutePath.of(path))
      } else if key.hasPrefix(override.path + ".") {
        let rest = String(key.dropFirst(override.path.count + 1))
        guard let path = value[rest]?.stringValue else { continue }
        // The key is there, so that it can be set.
        try? Override(path: rest, value: .string(AbsolutePath.of(path))).apply(to: &value)
      }
    }
    return Override(path: override.path, value: value)
  }

  /// Reads a configuration's text.
  ///
  /// - Parameters:
  ///   - text: JSON.
  ///   - source: the file's name, for errors.
  ///   - directory: the folder that paths in it are relative to; by default that of `source`.
  ///   - overrides: values that replace parts of it; paths among them are relative to the working
  ///     directory.
  /// - Throws: ``ConfigurationError`` that names the key and says what is expected.
  public init(
    parsing text: [UInt8], source: String, directory: String? = nil, overrides: [Override] = []
  ) throws(ConfigurationError) {
    var value: JSONValue
    do {
      value = try JSONValue.parse(text, source: source)
    } catch {
      throw ConfigurationError(source: source, path: "", reason: "\(error)")
    }
    for override in overrides { try Self.typed(override).apply(to: &value) }
    try self.init(value, source: source, directory: directory)
  }

  /// The configuration with some values replaced.
  ///
  /// - Parameter source: what the configuration is called in errors.
  public func overridden(
    by overrides: [Override], source: String
  ) throws(ConfigurationError) -> RunConfiguration {
    var value = given
    for override in overrides { try Self.typed(override).apply(to: &value) }
    return try RunConfiguration(value, source: source, directory: directory)
  }

  /// Reads a configuration.
  public init(
    _ value: JSONValue, source: String, directory: String? = nil
  ) throws(ConfigurationError) {
    given = value
    self.directory = directory ?? AbsolutePath.folder(of: source)
    let reader = try ConfigurationReader(value, source: source, directory: self.directory)
    seed = UInt64(try reader.integer("seed", default: 1, in: 0...))
    var data = try reader.object("data").data(seed: seed)
    let modelReader = try reader.object("model")
    let description = try modelReader.model()
    let labelLoss = try reader.object("loss").loss()
    self.labelLoss = labelLoss
    data.targetRange = labelLoss is BinaryCrossEntropy ? 0...1 : nil
    self.data = data
    let distillation = try reader.optionalObject("distillation")?.distillation(
      beside: labelLoss.name)
    self.distillation = distillation
    loss = try reader.make { try distillation?.loss(labelLoss) ?? labelLoss }
    batchSize = try reader.integer("batchSize", default: 64, in: 1...100_000_000)
    let fallback = FoldPlan.defaultShards(batchSize: batchSize)
    shards = try reader.optionalInteger("shards", in: 1...65536) ?? fallback
    guard shards & (shards - 1) == 0 else {
      throw reader.error("shards", "must be a power of two; found \(shards)")
    }
    var options = TrainerOptions(
      epochs: try reader.integer("epochs", default: 10, in: 1...1_000_000_000))
    options.steps = try reader.optionalInteger("steps", in: 1...)
    options.microBatches = try reader.integer("microBatches", default: 1, in: 1...1_000_000)
    hessianFree = try reader.optionalObject("hessianFree")?.hessianFree()
    if hessianFree != nil, reader.contains("optimizer") {
      throw reader.error("optimizer", "stands beside 'hessianFree'; give one of the two")
    }
    update = try reader.update(hasOptimizer: hessianFree == nil)
    nonFinite = try reader.nonFinite()
    if hessianFree != nil, case .sanitize = nonFinite {
      throw reader.error(
        "nonFinite", "is 'sanitize', which does not go with 'hessianFree'; take 'stop' or 'skip'")
    }
    if hessianFree != nil, !update.regularizers.isEmpty {
      throw reader.error(
        "regularizers",
        "do not go with 'hessianFree'; its 'weightDecay' is a penalty of the objective")
    }
    freezing = Freezing(
      parameters: try reader.strings("freeze", default: []),
      batchNorms: try reader.strings("freezeBatchNorm", default: []))
    initialWeights = try reader.optionalObject("initialWeights")?.initialWeights()
    let configured = try reader.string(
      "update", default: "automatic", oneOf: UpdateSharing.allCases.map(\.rawValue))
    var sharing = UpdateSharing(rawValue: configured) ?? .automatic
    if sharing == .sharded, hessianFree != nil {
      throw reader.error("update", "is sharded, and a Hessian-free step needs it replicated")
    }
    reduction = try reader.string("reduction", default: "tree", oneOf: ["tree", "allreduce"])
    if sharing == .sharded, reduction != "tree" {
      throw reader.error("update", "is sharded, which needs the reduction 'tree'")
    }
    wire = try reader.object("wire").wire(shards: shards)
    if wire != .float32, reduction != "tree" {
      throw reader.error("wire", "is bfloat16, which needs the reduction 'tree'")
    }
    if wire != .float32, hessianFree != nil {
      throw reader.error("wire", "is bfloat16, and a Hessian-free step needs float32")
    }
    bucketBytes = try reader.integer("bucketBytes", or: "automatic", in: 1...)
    // Parameters travel in four bytes a value, so that bf16 saves more where gradients come back.
    if sharing == .automatic, hessianFree != nil || reduction != "tree" || wire != .float32 {
      sharing = .replicated
    }
    self.sharing = sharing
    let convolutions = try reader.string(
      "convolutions", default: "automatic", oneOf: PlanOptions.Convolutions.allCases.map(\.rawValue)
    )
    let precision = try reader.string(
      "precision", default: "float32", oneOf: Precision.allCases.map(\.rawValue))
    planOptions = PlanOptions(
      convolutions: PlanOptions.Convolutions(rawValue: convolutions) ?? .automatic,
      precision: Precision(rawValue: precision) ?? .float32)
    if planOptions.precision != .float32, hessianFree != nil {
      throw reader.error(
        "precision",
        "is \(precision), and a Hessian-free step needs float32: conjugate gradients lose their way "
          + "in products of 8 bits")
    }
    threads = try reader.integer("threads", default: 1, in: 1...1024)
    let inputs = try reader.string(
      "inputs", default: "automatic", oneOf: InputPreparation.allCases.map(\.rawValue))
    self.inputs = InputPreparation(rawValue: inputs) ?? .automatic

    let evaluate = try reader.object("evaluate")
    options.evaluateEveryEpochs = try evaluate.integer("everyEpochs", default: 1, in: 1...)
    evaluationBatchSize = try evaluate.integer("batchSize", default: 128, in: 1...1_000_000)
    options.scoreMetric = try evaluate.optionalString("scoreMetric")

    let checkpoint = try reader.object("checkpoint")
    options.checkpointEverySteps = try checkpoint.optionalInteger("everySteps", in: 1...)
    keptCheckpoints = try checkpoint.integer("keep", default: 3, in: 1...1_000_000)

    options.compareEverySteps = try reader.object("replicaGuard").optionalInteger(
      "everySteps", in: 1...)
    options.parameterNormsEverySteps = try reader.object("log").optionalInteger(
      "parameterNormsEverySteps", in: 1...)
    if hessianFree != nil, options.parameterNormsEverySteps != nil {
      throw reader.error(
        "log.parameterNormsEverySteps",
        "does not go with 'hessianFree', whose steps are not made of clipped gradients")
    }
    watchdogSeconds = try reader.object("watchdog").double("seconds", default: 300, above: 0)
    try reader.finish()
    model = try modelReader.make(description)
    self.options = options
    resolved = reader.resolved
  }
}
