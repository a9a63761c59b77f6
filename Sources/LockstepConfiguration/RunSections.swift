import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining

// The sections of a configuration, in the order in which `config.json` has their keys.

/// What a step is made of: its examples, its update, and how gradients travel.
struct StepSection: Sendable {
  /// The number of examples of a step, over all ranks.
  let batchSize: Int
  /// The number of logical shards L.
  let shards: Int
  /// How often each example is seen.
  let epochs: Int
  /// The number of steps at which training ends even inside an epoch.
  let steps: Int?
  /// The number of micro-batches of each shard.
  let microBatches: Int
  /// Clips, optimizer, groups, constraints.
  let update: UpdateConfiguration
  /// The Hessian-free step's options, where that takes the optimizer's place.
  let hessianFree: HessianFreeOptions?
  /// What becomes of a step whose gradient is not finite.
  let nonFinite: NonFinitePolicy
  /// What does not move.
  let freezing: Freezing
  /// The weights to start from.
  let initialWeights: InitialWeights?
  /// Which ranks update which parameters.
  let sharing: UpdateSharing
  /// The name of the order in which gradients are added: `tree` or `allreduce`.
  let reduction: String
  /// How gradients travel between ranks.
  let wire: WirePrecision
  /// How many bytes of gradients travel together beside the backward pass; nil for what the link
  /// between nodes suggests.
  let bucketBytes: Int?

  init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    batchSize = try reader.integer("batchSize", default: 64, in: 1...100_000_000)
    let fallback = FoldPlan.defaultShards(batchSize: batchSize)
    shards = try reader.optionalInteger("shards", in: 1...65536) ?? fallback
    guard shards & (shards - 1) == 0 else {
      throw reader.error("shards", "must be a power of two; found \(shards)")
    }
    epochs = try reader.integer("epochs", default: 10, in: 1...1_000_000_000)
    steps = try reader.optionalInteger("steps", in: 1...)
    microBatches = try reader.integer("microBatches", default: 1, in: 1...1_000_000)
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
    initialWeights = try reader.optionalObject("initialWeights", shorthand: "file")?
      .initialWeights()
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
    wire = try reader.object("wire", shorthand: "type").wire(shards: shards)
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
  }
}

/// How ranks compute: primitives, precision, threads.
struct ComputeSection: Sendable {
  /// How primitives are chosen.
  let planOptions: PlanOptions
  /// The number of threads of each rank.
  let threads: Int
  /// Where the inputs of examples are made ready.
  let inputs: InputPreparation

  /// - Parameter hessianFree: whether steps are second-order ones.
  init(_ reader: ConfigurationReader, hessianFree: Bool) throws(ConfigurationError) {
    let convolutions = try reader.string(
      "convolutions", default: "automatic", oneOf: PlanOptions.Convolutions.allCases.map(\.rawValue)
    )
    let precision = try reader.string(
      "precision", default: "float32", oneOf: Precision.allCases.map(\.rawValue))
    planOptions = PlanOptions(
      convolutions: PlanOptions.Convolutions(rawValue: convolutions) ?? .automatic,
      precision: Precision(rawValue: precision) ?? .float32)
    if planOptions.precision != .float32, hessianFree {
      throw reader.error(
        "precision",
        "is \(precision), and a Hessian-free step needs float32: conjugate gradients lose their way "
          + "in products of 8 bits")
    }
    threads = try reader.integer("threads", default: 1, in: 1...1024)
    let inputs = try reader.string(
      "inputs", default: "automatic", oneOf: InputPreparation.allCases.map(\.rawValue))
    self.inputs = InputPreparation(rawValue: inputs) ?? .automatic
  }
}

/// What happens around the steps: evaluations, checkpoints, comparisons, logs, the watchdog.
struct RoundsSection: Sendable {
  /// Evaluate at the end of every so many epochs.
  let evaluateEveryEpochs: Int
  /// How many test examples are computed at once.
  let evaluationBatchSize: Int
  /// The metric that says which checkpoint is the best.
  let scoreMetric: String?
  /// Save a checkpoint after every so many steps.
  let checkpointEverySteps: Int?
  /// How many of the newest checkpoints are kept.
  let keptCheckpoints: Int
  /// Compare the state of all ranks after every so many steps.
  let compareEverySteps: Int?
  /// Log the norms of every parameter's gradient after every so many steps.
  let parameterNormsEverySteps: Int?
  /// How long ranks wait for each other.
  let patience: Watchdog.Patience

  /// - Parameter hessianFree: whether steps are second-order ones.
  init(_ reader: ConfigurationReader, hessianFree: Bool) throws(ConfigurationError) {
    for (key, meant) in [
      ("evaluate", "everyEpochs"), ("checkpoint", "everySteps"), ("replicaGuard", "everySteps"),
      ("log", "parameterNormsEverySteps"), ("watchdog", "seconds"),
    ] {
      try reader.refuseNumber(key) { number in
        var form = JSONObject()
        form[meant] = number
        return .object(form)
      }
    }
    let evaluate = try reader.object("evaluate")
    evaluateEveryEpochs = try evaluate.integer("everyEpochs", default: 1, in: 1...)
    evaluationBatchSize = try evaluate.integer("batchSize", default: 128, in: 1...1_000_000)
    scoreMetric = try evaluate.optionalString("scoreMetric")

    let checkpoint = try reader.object("checkpoint")
    checkpointEverySteps = try checkpoint.optionalInteger("everySteps", in: 1...)
    keptCheckpoints = try checkpoint.integer("keep", default: 3, in: 1...1_000_000)

    compareEverySteps = try reader.object("replicaGuard").optionalInteger(
      "everySteps", in: 1...)
    parameterNormsEverySteps = try reader.object("log").optionalInteger(
      "parameterNormsEverySteps", in: 1...)
    if hessianFree, parameterNormsEverySteps != nil {
      throw reader.error(
        "log.parameterNormsEverySteps",
        "does not go with 'hessianFree', whose steps are not made of clipped gradients")
    }
    let watchdog = try reader.object("watchdog")
    let deadline = try watchdog.double("seconds", default: 300, above: 0)
    patience = Watchdog.Patience(
      deadline: deadline,
      longDeadline: try watchdog.double(
        "longSeconds", default: min(12 * deadline, .greatestFiniteMagnitude), above: 0))
  }
}
