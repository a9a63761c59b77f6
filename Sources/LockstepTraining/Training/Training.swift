import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization

/// A training: a model on examples, with all that its steps need, over all ranks.
///
/// ```swift
/// let training = try Training(
///   Classifier(), on: digits.training, loss: SoftmaxCrossEntropy(),
///   update: .adamW(learningRate: 3e-3).clipped(globalNorm: 1),
///   batchSize: 128, epochs: 5, seed: 1, ranks: ranks)
/// try training.evaluate(on: digits.test) { print("epoch \($0.epoch): \($0.accuracy)") }
/// let outcome = try training.fit()
/// ```
///
/// Every rank makes one with equal arguments. The weights have the same bits for any number of ranks.
public final class Training {
  /// The model on its examples, with the weights.
  public let source: ModelSource
  /// The order of the examples.
  package let sampler: Sampler
  /// The step.
  package let step: any BatchStep
  /// The number of steps from the first epoch to the last.
  public let totalSteps: Int
  /// Whether each rank updates the parameters that it owns alone, and keeps their state alone.
  package let isSharded: Bool
  /// The model with the average of its weights, where one is kept.
  public let average: AveragedModel?
  /// The memory that this rank needs beside its data and the program.
  package let memoryNeed: MemoryNeed
  /// The ranks.
  package let ranks: any Collective
  /// How gradients travel between nodes where not as sums; nil where all are sums.
  package let wireForm: WireForm?
  /// The update of the parameters.
  package let rule: UpdateRule

  private let options: TrainingOptions
  private var evaluations: [Evaluation] = []
  private var listeners: [(TrainingEvent, TrainingControl) throws -> Void] = []
  private let control = TrainingControl()

  /// Puts a training together.
  ///
  /// - Parameters:
  ///   - model: the model; its initial weights are drawn from the seed.
  ///   - dataset: the examples to train on.
  ///   - loss: what is minimised.
  ///   - metrics: what is reported beside the loss's own metrics, in events, evaluations and logs.
  ///   - update: clips and optimizer.
  ///   - batchSize: the examples of a step, over all ranks.
  ///   - epochs: how often each example is seen.
  ///   - seed: the key of everything random: weights, orders, dropout.
  ///   - augmentation: random changes to the inputs.
  ///   - options: everything else.
  ///   - ranks: the ranks; this process alone by default.
  /// - Throws: `GraphError` where the model does not fit the examples, `HyperparameterError`, `UpdateError`,
  ///   `FoldPlanError` where there are more ranks than shards, `MemoryShortage` where a node has too
  ///   little memory.
  public convenience init(
    _ model: any Model, on dataset: any ExampleSource, loss: any LossFunction,
    metrics: [any Metric] = [], update: Chain, batchSize: Int = 64, epochs: Int = 10,
    seed: UInt64 = 1, augmentation: Augmentation? = nil,
    options: TrainingOptions = TrainingOptions(), ranks: any Collective = SoloCollective()
  ) throws {
    try self.init(
      SingleInputModel(model), on: dataset, losses: OutputLosses(loss, metrics: metrics),
      update: update,
      batchSize: batchSize, epochs: epochs, seed: seed, augmentation: augmentation,
      options: options, ranks: ranks)
  }

  /// Puts a training of a model with named inputs and outputs together.
  ///
  /// - Parameter losses: what is minimised: a loss of each output that has a label, with its metrics.
  /// - Throws: as the initialiser for a simple model.
  public convenience init(
    _ model: any MultipleInputModel, on dataset: any ExampleSource, losses: OutputLosses,
    update: Chain, batchSize: Int = 64, epochs: Int = 10, seed: UInt64 = 1,
    augmentation: Augmentation? = nil, options: TrainingOptions = TrainingOptions(),
    ranks: any Collective = SoloCollective()
  ) throws {
    var options = options
    options.run.epochs = epochs
    let source = try ModelSource(
      model, losses: losses, on: dataset, seed: seed, freezing: options.freezing,
      options: options.plan, threads: options.threads, exampleClip: options.exampleClip,
      readsLogits: options.constraints.askForLogits, admit: { try ($0 + $1).check(on: ranks) })
    source.augmentation = augmentation
    try self.init(
      source,
      sampler: Sampler(
        dataset, batchSize: batchSize, seed: seed,
        shuffle: options.shuffle && source.canShuffle, dropLast: options.dropLast,
        poisson: options.privacy.map { _ in
          try PoissonDraws(population: dataset.count, mean: batchSize)
        }),
      options: options, ranks: ranks
    ) { _ in update }
  }

  /// As the public initialiser, with a source that is ready.
  ///
  /// - Parameters:
  ///   - evaluationSizes: how many examples evaluations compute at once.
  ///   - addsByTree: whether gradients are folded, and not reduced by MPI.
  ///   - chain: clips and optimizer for so many steps.
  package init(
    _ source: ModelSource, sampler: Sampler, evaluationSizes: Set<Int> = [],
    options: TrainingOptions, addsByTree: Bool = true, ranks: any Collective,
    chain: (Int) throws -> Chain
  ) throws {
    self.source = source
    self.sampler = sampler
    self.options = options
    self.ranks = ranks
    try options.run.validate()
    try Self.check(options)
    try source.checkStreams(of: sampler)
    source.shardClip = options.shardClip
    let ranksOnNode = ranks.page?.rankCount ?? ranks.size
    source.prepareInputs(options.inputs, ranksOnNode: ranksOnNode)
    if !options.freezing.unfreezing.isEmpty {
      source.stepsBeforeMoving = options.freezing.stepsBeforeMoving(
        source.memory.trainableLayout.slots.map(\.name), stepsPerEpoch: sampler.batchesPerEpoch)
    }
    totalSteps = options.run.lastStep(batchesPerEpoch: sampler.batchesPerEpoch)
    let shards = options.shards ?? FoldPlan.defaultShards(batchSize: sampler.batchSize)
    let plan = try FoldPlan(shards: shards, of: source, on: ranks)
    let folds = addsByTree && options.hessianFree == nil
    // Parameters travel in four bytes a value, so that bf16 saves more where gradients come back.
    let sharing =
      options.sharing == .automatic && (!folds || options.wire != .float32)
      ? UpdateSharing.replicated : options.sharing
    isSharded = try sharing.isSharded(
      source, plan, nonFinite: options.nonFinite, batchSize: sampler.batchSize,
      microBatches: options.run.microBatches, on: ranks)
    wireForm =
      folds
      ? try ranks.wireForm(
        of: source, plan, nonFinite: options.nonFinite, batchSize: sampler.batchSize,
        microBatches: options.run.microBatches) : nil

    let chain = try chain(totalSteps)
    let owned = isSharded ? plan.gradientBlocks(ofRank: ranks.rank) : nil
    // A rule that owns nothing says how much it would keep of each parameter.
    let empty = try Self.rule(source, chain, options, owning: 0..<0)
    memoryNeed = try Self.need(
      source, plan, sampler, options, ranks, isSharded: isSharded, evaluationSizes,
      of: empty)
    rule = try Self.rule(source, chain, options, owning: owned)
    step = try Self.step(source, sampler, rule, options, shards: shards, ranks)
    average = options.average == nil ? nil : AveragedModel(source, rule, plan, on: ranks)
  }

  /// The most logical shards; their numbers alone take memory on every rank.
  private static let mostShards = 1 << 20

  /// Refuses numbers that make no sense, and what a Hessian-free step cannot be combined with and does not
  /// see.
  private static func check(_ options: TrainingOptions) throws {
    try ArgumentError.require(
      options.evaluationBatchSize, atLeast: 1, "evaluationBatchSize", of: "TrainingOptions")
    if let shards = options.shards, shards > mostShards {
      throw ArgumentError(
        "TrainingOptions", "shards", is: shards, expected: "at most \(mostShards)")
    }
    try PrivacyCheck(options).check()
    try options.checkShardClip()
    if !options.freezing.unfreezing.isEmpty {
      func refuse(_ problem: String) -> ArgumentError {
        ArgumentError(
          "TrainingOptions", "freezing.unfreezing", is: "given",
          expected: "nothing where \(problem)")
      }
      if options.exampleClip != nil {
        throw refuse("each example's gradient is limited: its norm is that of all parameters")
      }
      if options.hessianFree != nil {
        throw refuse("steps are Hessian-free: their directions are those of all parameters")
      }
    }
    guard options.hessianFree != nil else { return }
    func refuse(_ key: String, _ value: String, _ expected: String) -> StepError {
      .badOption(key: key, value: value, expected: "\(expected) for a Hessian-free step")
    }
    if !options.regularizers.isEmpty {
      throw refuse("regularizers", "given", "none, and the step's own weightDecay instead,")
    }
    if options.sharing == .sharded { throw refuse("sharing", "sharded", "replicated") }
    if options.wire != .float32 { throw refuse("wire", "bfloat16", "float32") }
  }

  /// The update of a model's trainable parameters.
  ///
  /// - Parameter owned: the blocks that this rank updates; nil for all.
  package static func rule(
    _ source: ModelSource, _ chain: Chain, _ options: TrainingOptions, owning owned: Range<Int>?
  ) throws -> UpdateRule {
    try UpdateRule(
      layout: source.memory.trainableLayout, chain: chain,
      constraints: try source.constraints(by: options.constraints),
      groups: options.groups, average: options.average, owning: owned,
      stepsBeforeMoving: source.stepsBeforeMoving)
  }

  /// Sums up what a rank needs, and makes sure that its node has it. Called by all ranks.
  private static func need(
    _ source: ModelSource, _ plan: FoldPlan, _ sampler: Sampler, _ options: TrainingOptions,
    _ ranks: any Collective, isSharded: Bool, _ evaluationSizes: Set<Int>, of rule: UpdateRule
  ) throws -> MemoryNeed {
    let ranksOnNode = ranks.page?.rankCount ?? ranks.size
    let held = MemoryNeed(model: source.memory)
    var need = try source.trainingNeed(
      plan, rank: ranks.rank, ranksOnNode: ranksOnNode,
      shardSizes: sampler.shardSizes(
        shards: plan.shards, microBatches: options.run.microBatches, steps: options.run.steps,
        areAlone: source.computesExamplesAlone),
      evaluationSizes: evaluationSizes)
    let all = max(source.memory.trainableLayout.count, 1)
    let share = isSharded ? Double(plan.slices[ranks.rank].count) / Double(all) : 1
    need.add("optimizer and averages", values: Int(Double(rule.stateBytes) * share), of: 1)
    let owned = MatrixOwners.slots(of: rule.matrixOperations, over: ranks.size)[ranks.rank]
    need.add("state of whole matrices", values: rule.matrixStateBytes(of: owned), of: 1)
    if ranks.size > 1 {
      need.add(
        "matrices of the update",
        values: rule.matrixValues / (ranks.nodes.count == 1 ? ranksOnNode : 1))
    }
    if rule.hasTrainingPoint { need.add("weights between steps", values: all) }
    if options.sharpness != nil { need.add("weights that an ascent began from", values: all) }
    if isSharded, ranks.nodes.count == 1, ranks.size > 1 {
      need.add("shared parameters", values: source.memory.parameters.count / ranksOnNode)
    }
    try need.check(beside: held, on: ranks)
    return held + need
  }

  private static func step(
    _ source: ModelSource, _ sampler: Sampler, _ rule: UpdateRule, _ options: TrainingOptions,
    shards: Int, _ ranks: any Collective
  ) throws -> any BatchStep {
    if let hessianFree = options.hessianFree {
      return try HessianFreeStep(
        source: source, update: rule, options: hessianFree,
        nonFinite: options.nonFinite, shards: shards, on: ranks)
    }
    let memory = source.memory
    let regularizer =
      options.regularizers.isEmpty
      ? nil
      : try Regularizer(
        options.regularizers, specifications: memory.specifications,
        layout: memory.trainableLayout)
    return try TrainingStep(
      source: source, update: rule, regularizer: regularizer,
      noise: try source.noise(options.privacy, sampler),
      sharpness: try source.sharpness(options), nonFinite: options.nonFinite,
      shards: shards, wire: options.wire,
      on: ranks)
  }

  // MARK: Beside the steps

  /// Evaluates the model on other examples, at the end of epochs (`TrainerOptions/evaluateEveryEpochs`).
  ///
  /// - Parameters:
  ///   - dataset: the examples; each counts once, on any number of ranks.
  ///   - name: what the evaluation is called in reports and logs.
  ///   - report: hears the results, on rank 0 only.
  /// - Throws: `GraphError` where the examples are of another form than those that the model trains on,
  ///   `ArgumentError` where another evaluation has the name.
  public func evaluate(
    on dataset: any ExampleSource, as name: String = "test",
    _ report: @escaping (TrainingEvaluation) throws -> Void = { _ in }
  ) throws {
    if evaluations.contains(where: { $0.name == name }) {
      throw ArgumentError(
        "Training.evaluate", "name", is: "'\(name)'", expected: "another one for each evaluation")
    }
    let evaluation = try ModelEvaluator(source, on: dataset).evaluation(
      name, shardSize: options.evaluationBatchSize, on: ranks)
    evaluations.append(evaluation)
    listen { event in
      guard case .evaluation(let found, let step, let epoch) = event, found.name == name else {
        return
      }
      try report(TrainingEvaluation(report: found, step: step, epoch: epoch))
    }
  }

  /// Hears what happens, on rank 0 only: steps, evaluations, checkpoints. What it throws ends the
  /// training on all ranks; `Interruption.request()` ends it in good order, after a checkpoint.
  public func listen(_ listener: @escaping (TrainingEvent) throws -> Void) {
    listeners.append { event, _ in try listener(event) }
  }

  /// Hears what happens, on rank 0 only, and may act on it: stop the training, save a checkpoint,
  /// multiply the learning rate. All ranks then do the same; see ``TrainingControl``.
  public func listen(_ listener: @escaping (TrainingEvent, TrainingControl) throws -> Void) {
    listeners.append(listener)
  }

  /// Trains. Called by all ranks.
  ///
  /// - Parameters:
  ///   - directory: where to leave logs, checkpoints and the final weights; nil for nowhere.
  ///   - resume: whether to go on from the newest sound checkpoint there, if there is one.
  ///   - keep: how many of the newest checkpoints stay.
  /// - Returns: how it ended, the same on all ranks: done, with the fingerprint of the weights, or
  ///   interrupted by a signal.
  /// - Throws: what ends a run otherwise, `RunDirectoryError`, `CheckpointError`, `ArgumentError` for
  ///   a `keep` below 1.
  @discardableResult
  public func fit(
    in directory: String? = nil, resume: Bool = false, keep: Int = 3
  ) throws -> Outcome {
    try ArgumentError.require(keep, atLeast: 1, "keep", of: "Training.fit")
    let files = try directory.flatMap {
      try RunDirectory.open(
        $0, resume: resume, configuration: configuration, keep: keep, on: ranks)
    }
    do {
      var handshake = Handshake()
      try handshake.addProgramAndLibraries()
      handshake.add("the examples", source.dataset.fingerprint)
      let (listeners, control) = (listeners, control)
      _ = control.take()
      let trainer = try Trainer(
        step: step, sampler: sampler, evaluations: evaluations, options: options.run,
        configuration: configuration, resumption: Resumption(mayDiffer: ["epochs", "steps"]),
        handshake: handshake, directory: files, on: ranks, control: control,
        listener: { event in for listener in listeners { try listener(event, control) } })
      return try trainer.run(resume: resume)
    } catch {
      // What ends it before the trainer is in charge; after that nothing is changed here.
      files?.outcome.settle(Outcome(.failed, step: 0, message: "\(error)"))
      throw error
    }
  }

  /// What a checkpoint must have been written with to go on from it: all that the bits follow from.
  private var configuration: JSONValue {
    [
      "examples": .string(source.dataset.fingerprint.description),
      "update": .string("\(rule.chain.transforms)"),
      "groups": .string("\(options.groups)"), "constraints": .string("\(options.constraints)"),
      "regularizers": .string("\(options.regularizers)"),
      "average": options.average.map { .string("\($0)") } ?? .null,
      "sharpness": options.sharpness.map { .string("\($0)") } ?? .null,
      "freezing": .string("\(options.freezing)"), "wire": .string("\(options.wire)"),
      "plan": .string("\(options.plan)"),
      "exampleClip": options.exampleClip.map { .string("\($0)") } ?? .null,
      "shardClip": options.shardClip.map { .string("\($0)") } ?? .null,
      "privacy": options.privacy.map { .string("\($0)") } ?? .null,
      "hessianFree": options.hessianFree.map { .string("\($0)") } ?? .null,
      "batchSize": .integer(sampler.batchSize), "epochs": .integer(options.run.epochs),
      "seed": .integer(Int(truncatingIfNeeded: sampler.seed)),
      "shards": .integer(step.plan.shards),
      "microBatches": .integer(options.run.microBatches),
      "shuffle": .bool(sampler.shuffle), "dropLast": .bool(sampler.dropLast),
      "steps": options.run.steps.map { .integer($0) } ?? .null,
    ]
  }
}

/// What an evaluation found, and when.
public struct TrainingEvaluation: Sendable {
  /// Loss and metrics.
  public let report: EvaluationReport
  /// The step after which it was made, from 1.
  public let step: Int
  /// The epoch of that step, from 1.
  public let epoch: Int

  /// The mean loss.
  public var loss: Double { report.loss }
  /// The share of the examples that are classified right; NaN where the loss has no such metric.
  public var accuracy: Double { report["accuracy"] ?? .nan }
}

extension Collective {
  /// Prints a line on rank 0.
  public func print(_ text: @autoclosure () -> String) {
    if isRoot { Swift.print(text()) }
  }
}
