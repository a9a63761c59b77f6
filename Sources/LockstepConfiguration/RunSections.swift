import LockstepCatalog
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

  /// The keys of a configuration.
  static let keys: [Hyperparameter] =
    [
      .with(
        "batchSize", .integer(1...100_000_000), 64, "examples of a step, over all ranks"),
      .optional(
        "shards", .integer(1...65536),
        "logical shards L, a power of two. The default is the largest, at most 64, that leaves 32 "
          + "examples a shard. At least the number of ranks. Part of the result: another L rounds "
          + "differently", absence: "by `batchSize`"),
      .with("epochs", .integer(1...1_000_000_000), 10, "passes over the training part"),
      .optional(
        "steps", .integer(atLeast: 1), "end after so many steps, even inside an epoch",
        absence: "–"),
      .with(
        "microBatches", .integer(1...1_000_000), 1,
        "parts that each shard is computed in, one after the other, to save memory"),
      .optional(
        "hessianFree", .object { HessianFreeOptions.form },
        "a Hessian-free step in the optimizer's place"),
    ] + UpdateConfiguration.keys + [
      .with(
        "nonFinite",
        .either(.choice(["stop", "skip", "sanitize"]), .object { NonFinitePolicy.form }), "stop",
        "what becomes of a step with a NaN or an infinity: `stop`, `skip`, `sanitize`, or an object "
          + "with `policy`, `limit` (10, the skipped steps in a row that end the run) and, to sanitize, "
          + "`replace` (`shards` or `values`); see [guarantees.md](guarantees.md)"),
      .with(
        "freeze", .texts, [],
        "patterns of parameters that do not move, or not before `unfreeze` says"),
      .optional(
        "unfreeze", .objects { Unfreezing.form },
        "when frozen parameters begin to move: gradual unfreezing ([transfer.md](transfer.md#gradual-unfreezing))"
      ),
      .with(
        "freezeBatchNorm", .texts, [],
        "patterns of layers whose running statistics are used and left alone"),
      .optional(
        "initialWeights", .object { InitialWeights.form }, "the weights that the run starts from"),
      .with(
        "update", UpdateSharing.automatic,
        "which ranks update which parameters: see [below](#update); changes no bit"),
      .with(
        "reduction", .choice(["tree", "allreduce"]), "tree",
        "`allreduce`: plain MPI_Allreduce of gradients, in whatever order it adds; without the promise "
          + "of equal bits on other numbers of ranks"),
      .with("wire", .object { WirePrecision.form }, [:], "how gradients travel between nodes"),
      .with(
        "bucketBytes", .either(.choice(["automatic"]), .integer(atLeast: 1)), "automatic",
        "how many bytes of gradients, as Float32, travel together between nodes while ranks still "
          + "compute ([fold.md](fold.md#beside-the-backward-pass)): a number, or what the link measured "
          + "at the start suggests; changes no bit"),
    ]

  /// - Parameter values: the run's.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    batchSize = values["batchSize"]
    shards = values["shards"] ?? FoldPlan.defaultShards(batchSize: batchSize)
    guard shards & (shards - 1) == 0 else {
      throw values.error("shards", "must be a power of two; found \(shards)")
    }
    epochs = values["epochs"]
    steps = values["steps"]
    microBatches = values["microBatches"]
    hessianFree = values.object("hessianFree").map { HessianFreeOptions($0) }
    update = try UpdateConfiguration(values)
    nonFinite = NonFinitePolicy(values)
    if hessianFree != nil, case .sanitize = nonFinite {
      throw values.error(
        "nonFinite", "is 'sanitize', which does not go with 'hessianFree'; take 'stop' or 'skip'")
    }
    if hessianFree != nil, !update.regularizers.isEmpty {
      throw values.error(
        "regularizers",
        "do not go with 'hessianFree'; its 'weightDecay' is a penalty of the objective")
    }
    freezing = Freezing(
      parameters: values["freeze"], batchNorms: values["freezeBatchNorm"],
      unfreezing: values.objects("unfreeze").map { Unfreezing($0) })
    if !freezing.unfreezing.isEmpty {
      if freezing.parameters.isEmpty {
        throw values.error(
          "unfreeze",
          "has nothing to unfreeze: 'freeze' names no parameters that are frozen at first")
      }
      if update.exampleClip != nil {
        throw values.error(
          "unfreeze",
          "does not go with a clip of the type 'perExample', whose norms are those of all parameters"
        )
      }
      if hessianFree != nil {
        throw values.error(
          "unfreeze",
          "does not go with 'hessianFree', whose directions are those of all parameters")
      }
    }
    if let object = values.object("initialWeights") {
      initialWeights = try InitialWeights(object)
    } else {
      initialWeights = nil
    }
    reduction = values["reduction"]
    wire = try WirePrecision(values.object("wire"), shards: shards)
    bucketBytes = (values["bucketBytes"] as BucketSize).bytes
    sharing = try Self.sharing(values, reduction, wire)
  }

  /// Which ranks update which parameters, where other keys leave the choice.
  private static func sharing(
    _ values: Hyperparameters, _ reduction: String, _ wire: WirePrecision
  ) throws(ConfigurationError) -> UpdateSharing {
    let sharing: UpdateSharing = values["update"]
    let isHessianFree = values.contains("hessianFree")
    if sharing == .sharded, isHessianFree {
      throw values.error("update", "is sharded, and a Hessian-free step needs it replicated")
    }
    if sharing == .sharded, reduction != "tree" {
      throw values.error("update", "is sharded, which needs the reduction 'tree'")
    }
    if wire != .float32, reduction != "tree" {
      throw values.error("wire", "is bfloat16, which needs the reduction 'tree'")
    }
    if wire != .float32, isHessianFree {
      throw values.error("wire", "is bfloat16, and a Hessian-free step needs float32")
    }
    // Parameters travel in four bytes a value, so that bf16 saves more where gradients come back.
    let isPossible = !isHessianFree && reduction == "tree" && wire == .float32
    return sharing == .automatic && !isPossible ? .replicated : sharing
  }
}

extension UpdateSharing: HyperparameterValue {}

/// How many bytes travel together; nil for what the link suggests.
private struct BucketSize: HyperparameterValue {
  let bytes: Int?

  init?(hyperparameter value: JSONValue?) { bytes = value?.integerValue }
}

/// How ranks compute: primitives, precision, threads.
struct ComputeSection: Sendable {
  /// How primitives are chosen.
  let planOptions: PlanOptions
  /// The number of threads of each rank.
  let threads: Int
  /// Where the inputs of examples are made ready.
  let inputs: InputPreparation

  /// The keys of a configuration.
  static let keys: [Hyperparameter] = [
    .with(
      "convolutions", PlanOptions.Convolutions.automatic,
      "Winograd's algorithm for 3×3 convolutions of the shapes where it is faster; `direct` never. Part "
        + "of the result"),
    .with(
      "precision", Precision.float32,
      "`bfloat16`: products are computed from bfloat16 numbers and added up in Float32, on processors "
        + "with AVX-512 BF16 ([what that means](guarantees.md#bfloat16)). Part of the result"),
    .with("threads", .integer(1...1024), 1, "threads of each rank; changes no bit"),
    .with(
      "inputs", InputPreparation.automatic,
      "where the inputs of examples are made ready: `direct` by the threads that compute, `ahead` on a "
        + "thread of their own; `automatic` takes the latter where there is more to do than to copy and "
        + "a processor is free ([profiling.md](profiling.md#inputs)); changes no bit"),
  ]

  /// - Parameter values: the run's.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    planOptions = PlanOptions(
      convolutions: values["convolutions"], precision: values["precision"])
    if planOptions.precision != .float32, values.contains("hessianFree") {
      throw values.error(
        "precision",
        "is \(planOptions.precision), and a Hessian-free step needs float32: conjugate gradients lose "
          + "their way in products of 8 bits")
    }
    threads = values["threads"]
    inputs = values["inputs"]
  }
}

extension PlanOptions.Convolutions: HyperparameterValue {}
extension Precision: HyperparameterValue {}
extension InputPreparation: HyperparameterValue {}

/// What happens around the steps: evaluations, checkpoints, comparisons, logs, the watchdog.
struct RoundsSection: Sendable {
  /// Evaluate at the end of every so many epochs.
  let evaluateEveryEpochs: Int
  /// How many test examples are computed at once.
  let evaluationBatchSize: Int
  /// The metric that says which checkpoint is the best.
  let scoreMetric: String?
  /// When the run ends because evaluations have stopped improving.
  let earlyStopping: EarlyStopping?
  /// After how many seconds the run is interrupted, resumable.
  let maxSeconds: Double?
  /// Save a checkpoint after every so many steps.
  let checkpointEverySteps: Int?
  /// How many of the newest checkpoints are kept.
  let keptCheckpoints: Int
  /// Compare the state of all ranks after every so many steps.
  let compareEverySteps: Int?
  /// Log the norms of every parameter's gradient after every so many steps.
  let parameterNormsEverySteps: Int?
  /// Log the largest singular value of every matrix's gradient beside the norms of tensors.
  let logsSingularValues: Bool
  /// Whether events are written for TensorBoard.
  let writesTensorBoard: Bool
  /// How long ranks wait for each other.
  let patience: Watchdog.Patience

  /// The keys of a configuration.
  static let keys: [Hyperparameter] = [
    section(
      "evaluate", "when and how the test part is evaluated",
      [
        .with(
          "everyEpochs", .integer(atLeast: 1), 1,
          "evaluate the test part at the end of every so many epochs, and at the end"),
        .with(
          "batchSize", .integer(1...1_000_000), 128,
          "test examples computed at once; part of the last bits of the reported loss"),
        .optional(
          "scoreMetric", .text,
          "the metric by which the best checkpoint is kept: a metric's name, or `loss`, which holds if absent. Of errors and losses the smallest is the best, of other metrics the largest. Another name is an error",
          absence: "–"),
      ]),
    .optional(
      "earlyStopping", .object { EarlyStopping.form },
      "ends the run where evaluations have stopped improving"),
    .optional(
      "maxSeconds", .number(NumberRange(to: 1e9, above: 0)),
      "after so many seconds of training the run is interrupted, as by a signal: with a checkpoint and the "
        + "exit code 75", absence: "–"),
    section(
      "checkpoint", "when checkpoints are saved",
      [
        .optional(
          "everySteps", .integer(atLeast: 1),
          "save after so many steps; at the end of each epoch if absent. An evaluation that is better than all before is saved in any case, and so is the end",
          absence: "–"),
        .with(
          "keep", .integer(1...1_000_000), 3,
          "the newest so many are kept, the best, and the last that is known to be healthy"),
      ]),
    section(
      "replicaGuard", "when ranks are compared",
      [
        .optional(
          "everySteps", .integer(atLeast: 1),
          "compare hashes of all state over the ranks after so many steps", absence: "–")
      ]),
    section(
      "log", "what is logged beside losses",
      [
        .optional(
          "parameterNormsEverySteps", .integer(atLeast: 1),
          "log the norms of every parameter's gradient, before and behind clipping, in each so-many-th step's line",
          absence: "–"),
        .with(
          "singularValues", .boolean, false,
          "log the largest singular value of every matrix's gradient in `norms.jsonl`, for `suggest-clip --spectral`; changes no bit"
        ),
        .with(
          "tensorBoard", .boolean, false,
          "write event files for TensorBoard into `tensorboard/` of the run directory ([seeing-a-run.md](seeing-a-run.md#tensorboard)); changes no bit"
        ),
      ]),
    section(
      "watchdog", "how long ranks wait for each other",
      [
        .with(
          "seconds", .positive, 300,
          "how long a rank waits for another inside a step, or for one that is stopped, before the job is ended with a message that says who waits for whom ([guarantees.md](guarantees.md#a-rank-that-others-wait-for))"
        ),
        .derived(
          "longSeconds", .positive,
          "how long it waits around steps: while data are loaded, plans made, models evaluated, files written",
          absence: "12 × `seconds`"
        ) { values in
          let seconds = values["seconds"]?.doubleValue ?? 0
          return .number(min(12 * seconds, .greatestFiniteMagnitude))
        },
      ]),
  ]

  /// An object whose first key is what a number in its place was likely meant for.
  private static func section(
    _ key: String, _ summary: String, _ keys: [Hyperparameter]
  ) -> Hyperparameter {
    let form = Form(key, keys, number: keys[0].key)
    return .with(key, .object { form }, [:], summary)
  }

  /// - Parameter values: the run's.
  init(_ values: Hyperparameters) throws(ConfigurationError) {
    func section(_ key: String) -> Hyperparameters {
      guard let section = values.object(key) else {
        preconditionFailure("'\(key)' is always read")
      }
      return section
    }
    evaluateEveryEpochs = section("evaluate")["everyEpochs"]
    evaluationBatchSize = section("evaluate")["batchSize"]
    scoreMetric = section("evaluate")["scoreMetric"]
    earlyStopping = values.object("earlyStopping").map { EarlyStopping($0) }
    maxSeconds = values["maxSeconds"]
    checkpointEverySteps = section("checkpoint")["everySteps"]
    keptCheckpoints = section("checkpoint")["keep"]
    compareEverySteps = section("replicaGuard")["everySteps"]
    parameterNormsEverySteps = section("log")["parameterNormsEverySteps"]
    logsSingularValues = section("log")["singularValues"]
    if values.contains("hessianFree"), logsSingularValues {
      throw values.error(
        "log.singularValues",
        "does not go with 'hessianFree', whose steps are not made of clipped gradients")
    }
    writesTensorBoard = section("log")["tensorBoard"]
    if values.contains("hessianFree"), parameterNormsEverySteps != nil {
      throw values.error(
        "log.parameterNormsEverySteps",
        "does not go with 'hessianFree', whose steps are not made of clipped gradients")
    }
    patience = Watchdog.Patience(
      deadline: section("watchdog")["seconds"], longDeadline: section("watchdog")["longSeconds"])
  }
}
