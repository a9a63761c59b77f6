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

  private let collective: any Collective

  /// Puts a run together.
  ///
  /// - Parameters:
  ///   - configuration: what to do.
  ///   - data: the examples, as ``DataConfiguration/load()`` gave them.
  ///   - collective: the ranks.
  /// - Throws: `GraphError` where the model does not fit the data, `FoldPlanError` where there are
  ///   more ranks than shards, `HyperparameterError` where a pattern matches nothing, and others.
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
    let wholeRun = sampler.batchesPerEpoch.multipliedReportingOverflow(
      by: configuration.options.epochs)
    totalSteps = min(
      configuration.options.steps ?? .max, wholeRun.overflow ? .max : wholeRun.partialValue)
    source = try configuration.source(data)
    source.prepareInputs(
      configuration.inputs, ranksOnNode: collective.page?.rankCount ?? collective.size)
    source.teacher = try configuration.distillation?.logits(
      for: data.training, labelLoss: configuration.labelLoss,
      classes: try source.outputShape().last ?? 0, options: configuration.planOptions,
      on: collective)
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
      configuration: configuration.resolved, mayDiffer: RunConfiguration.mayDiffer,
      handshake: handshake, directory: directory, on: collective, listener: listener)
  }
}

extension RunConfiguration {
  /// The model on the training part, with initial weights drawn from the seed.
  ///
  /// - Throws: `GraphError` where the model does not fit the data.
  public func source(_ data: DataConfiguration.Parts) throws -> ModelSource {
    let source = try ModelSource(
      model, loss: loss, on: data.training, seed: seed, freezing: freezing, options: planOptions,
      threads: threads)
    source.augmentation = try self.data.augment.augmentation(for: data.training)
    return source
  }
}
