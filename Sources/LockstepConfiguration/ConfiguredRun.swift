import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining

/// A run put together from its configuration: data, model, step, order, evaluations.
///
/// All ranks make one with equal arguments.
public final class ConfiguredRun {
  /// The configuration.
  public let configuration: RunConfiguration
  /// The examples.
  public let data: DataConfiguration.Parts
  /// The model, with initial weights drawn from the seed.
  public let source: ModelSource
  /// Whether each rank updates the parameters that it owns alone, and keeps their state alone.
  public let isSharded: Bool
  /// The names of the weights whose gradients travel between nodes as factors.
  public let sentAsFactors: [String]
  /// The step.
  public let step: any BatchStep
  /// The order of the examples.
  public let sampler: Sampler
  /// The test, where there are test examples.
  public let evaluations: [Evaluation]
  /// The number of steps of the whole run.
  public let totalSteps: Int
  /// The model with the average of its weights, where one is kept.
  public let average: AveragedModel?

  /// The memory that this rank needs beside its data and the program.
  public let memoryNeed: MemoryNeed
  /// What a user should know before the first step, a sentence each: settings without effect, and
  /// likely mistakes.
  public private(set) var notices: [String] = []
  /// What the bits follow from beside the configuration.
  private let conditions: [RunCondition]
  private let collective: any Collective

  /// Puts a run together.
  ///
  /// - Parameters:
  ///   - configuration: what to do.
  ///   - data: the examples, as ``DataConfiguration/load()`` gave them.
  ///   - collective: the ranks.
  /// - Throws: `GraphError` where the model does not fit the data, `FoldPlanError` where there are
  ///   more ranks than shards, `HyperparameterError` where a pattern matches nothing,
  ///   `MemoryShortage` where a node has too little memory, and others.
  public init(
    _ configuration: RunConfiguration, data: DataConfiguration.Parts,
    on collective: any Collective
  ) throws {
    self.configuration = configuration
    self.data = data
    self.collective = collective
    sampler = try Sampler(
      count: data.training.count, batchSize: configuration.batchSize, seed: configuration.seed,
      shuffle: configuration.data.shuffle, dropLast: configuration.data.dropLast)
    totalSteps = configuration.options.lastStep(batchesPerEpoch: sampler.batchesPerEpoch)
    source = try configuration.source(data, on: collective)
    try configuration.checkScore(metrics: source.metricNames, hasTest: data.test != nil)
    source.prepareInputs(
      configuration.inputs, ranksOnNode: collective.page?.rankCount ?? collective.size)
    let teacher = try configuration.distillation?.logits(
      for: data.training, data.record.description, labelLoss: configuration.labelLoss,
      classes: try source.outputShape().last ?? 0, options: configuration.planOptions,
      on: collective)
    source.teacher = teacher?.0
    conditions = [configuration.scheduleLength(totalSteps: totalSteps), teacher?.1]
      .compactMap { $0 }
    let plan = try FoldPlan(shards: configuration.shards, of: source, on: collective)
    isSharded = try configuration.sharing.isSharded(
      source, plan, nonFinite: configuration.nonFinite, batchSize: configuration.batchSize,
      microBatches: configuration.options.microBatches, on: collective)
    let addsByTree = configuration.hessianFree == nil && configuration.reduction == "tree"
    let factors =
      addsByTree
      ? try collective.travellingFactors(
        source, plan, nonFinite: configuration.nonFinite, batchSize: configuration.batchSize,
        microBatches: configuration.options.microBatches) : nil
    sentAsFactors = factors?.slots.map { plan.layout.slots[$0].name } ?? []
    memoryNeed = try Self.need(
      configuration, data, source, plan, sampler, totalSteps: totalSteps, isSharded: isSharded,
      on: collective)
    let rule = try configuration.update.rule(
      source.memory, totalSteps: totalSteps,
      owning: isSharded ? plan.gradientBlocks(ofRank: collective.rank) : nil)
    if let options = configuration.hessianFree {
      step = try HessianFreeStep(
        source: source, update: ChainUpdate(rule), options: options,
        nonFinite: configuration.nonFinite, shards: configuration.shards, on: collective)
    } else {
      step = try TrainingStep(
        source: source,
        update: isSharded ? ShardedChainUpdate(rule) : ChainUpdate(rule),
        regularizer: try configuration.update.regularizer(source.memory),
        nonFinite: configuration.nonFinite, shards: configuration.shards,
        wire: configuration.wire, on: collective)
    }
    average =
      configuration.update.average == nil
      ? nil : AveragedModel(source, rule, plan, on: collective)
    evaluations = try Self.evaluations(configuration, data, source, rule, average, collective)
    notices =
      try RunNotices(
        self, rankCount: collective.size,
        ranksOnNode: collective.page?.rankCount ?? collective.size
      ).lines
  }

  /// Sums up what a rank needs, and makes sure that its node has it. Called by all ranks.
  private static func need(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts, _ source: ModelSource,
    _ plan: FoldPlan, _ sampler: Sampler, totalSteps: Int, isSharded: Bool,
    on collective: any Collective
  ) throws -> MemoryNeed {
    let ranksOnNode = collective.page?.rankCount ?? collective.size
    let size = configuration.evaluationBatchSize
    let tested = data.test.map { [min(size, $0.count), $0.count % size] } ?? []
    var need = try source.trainingNeed(
      plan, rank: collective.rank, ranksOnNode: ranksOnNode,
      shardSizes: sampler.shardSizes(
        shards: configuration.shards, microBatches: configuration.options.microBatches,
        steps: configuration.options.steps), evaluationSizes: Set(tested))
    // A rule that owns nothing says how much it would keep of each parameter.
    let rule = try configuration.update.rule(
      source.memory, totalSteps: totalSteps, owning: 0..<0)
    need.add(
      "optimizer and averages", values: rule.stateBytesPerParameter, of: 1,
      times: isSharded ? plan.slices[collective.rank].count : rule.layout.count)
    if isSharded, collective.nodes.count == 1, collective.size > 1 {
      need.add("shared parameters", values: source.memory.parameters.count / ranksOnNode)
    }
    try need.check(on: collective)
    return MemoryNeed(model: source.memory) + need
  }

  /// The test of the weights, and of their average where one is kept.
  private static func evaluations(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts, _ source: ModelSource,
    _ rule: UpdateRule, _ average: AveragedModel?, _ collective: any Collective
  ) throws -> [Evaluation] {
    guard let test = data.test else { return [] }
    func evaluation(_ name: String) throws -> Evaluation {
      try ModelEvaluator(source, on: test).evaluation(
        name, shardSize: configuration.evaluationBatchSize, on: collective)
    }
    let plain = try evaluation("test")
    if let minimizes = configuration.update.plateauMinimizes {
      let metric = configuration.options.scoreMetric
      plain.onReport = { report in
        rule.report(
          metric: minimizes ? report.loss : metric.flatMap { report[$0] } ?? -report.loss)
      }
    }
    guard let average else { return [plain] }
    let averaged = try evaluation("average")
    averaged.around = { body in try average.run(body) }
    return [plain, averaged]
  }

  /// Reads the initial weights that the configuration names, if it names some, on rank 0; training
  /// gives them to all. Called by all ranks, for a run that does not go on from a checkpoint.
  ///
  /// - Returns: on rank 0 what the user should know, a line each.
  /// - Throws: `FileError` on rank 0 where they cannot be used, and ``RootFailure`` on the others.
  public func loadInitialWeights() throws -> [String] {
    guard let initial = configuration.initialWeights else { return [] }
    var lines: [String] = []
    try collective.onRoot { lines = try initial.load(into: Weights(of: source)) }
    return lines
  }

  /// The trainer of the run.
  ///
  /// - Parameters:
  ///   - directory: where to leave files, on rank 0; nil on the others, or on all for none.
  ///   - agreement: what all ranks must have the same of, beside configuration, model and data.
  ///   - listener: hears events, on rank 0 only.
  public func trainer(
    directory: RunDirectory?, agreement: Handshake = Handshake(),
    listener: @escaping (TrainingEvent) throws -> Void
  ) throws -> Trainer {
    var handshake = agreement
    handshake.add("the data", data.fingerprint)
    return try Trainer(
      step: step, sampler: sampler, evaluations: evaluations, options: configuration.options,
      configuration: configuration.resolved,
      resumption: Resumption(
        mayDiffer: configuration.mayDiffer, mayBeAbsent: RunConfiguration.mayBeAbsent,
        conditions: conditions, data: data.record),
      handshake: handshake, directory: directory, on: collective, listener: listener)
  }
}

extension RunConfiguration {
  /// The model on the training part, with initial weights drawn from the seed.
  ///
  /// - Parameter collective: the ranks that make it at once.
  /// - Throws: `GraphError` where the model does not fit the data, `MemoryShortage` where it does not fit
  ///   into memory.
  public func source(
    _ data: DataConfiguration.Parts, on collective: any Collective = SoloCollective()
  ) throws -> ModelSource {
    let source = try source(on: data.training, ranks: collective)
    source.augmentation = try self.data.augment.augmentation(for: data.training)
    return source
  }

  /// The model on some examples, to evaluate it.
  ///
  /// - Parameter collective: the ranks that make it at once.
  /// - Throws: `GraphError` where the model does not fit the data, `MemoryShortage` where it does not fit
  ///   into memory.
  public func source(
    on examples: Dataset, ranks collective: any Collective = SoloCollective()
  ) throws -> ModelSource {
    try ModelSource(
      model, loss: loss, on: examples, seed: seed, freezing: freezing, options: planOptions,
      threads: threads, admit: { try $0.check(on: collective) })
  }
}
