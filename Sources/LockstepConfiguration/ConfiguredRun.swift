import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepONNX
import LockstepOptimization
import LockstepTraining

/// A run put together from its configuration: data, model, step, order, evaluations.
///
/// All ranks make one with equal arguments.
package final class ConfiguredRun {
  /// The configuration.
  package let configuration: RunConfiguration
  /// The examples.
  package let data: DataConfiguration.Parts
  /// What is put together.
  package let training: Training
  /// The test, where there are test examples.
  package let evaluations: [Evaluation]
  /// What a user should know before the first step, a sentence each: settings without effect, and
  /// likely mistakes.
  package private(set) var notices: [String] = []
  /// What the bits follow from beside the configuration.
  private let conditions: [RunCondition]
  private let collective: any Collective

  /// The model, with initial weights drawn from the seed.
  package var source: ModelSource { training.source }
  /// Whether each rank updates the parameters that it owns alone, and keeps their state alone.
  package var isSharded: Bool { training.isSharded }
  /// How gradients travel between nodes where not as sums; nil where all are sums.
  package var wireForm: WireForm? { training.wireForm }
  /// The step.
  package var step: any BatchStep { training.step }
  /// The order of the examples.
  package var sampler: Sampler { training.sampler }
  /// The number of steps of the whole run.
  package var totalSteps: Int { training.totalSteps }
  /// The model with the average of its weights, where one is kept.
  package var average: AveragedModel? { training.average }
  /// The memory that this rank needs beside its data and the program.
  package var memoryNeed: MemoryNeed { training.memoryNeed }

  /// Puts a run together.
  ///
  /// - Parameters:
  ///   - configuration: what to do.
  ///   - data: the examples, as ``DataConfiguration/load()`` gave them.
  ///   - collective: the ranks.
  /// - Throws: `GraphError` where the model does not fit the data, `FoldPlanError` where there are
  ///   more ranks than shards, `HyperparameterError` where a pattern matches nothing,
  ///   `MemoryShortage` where a node has too little memory, and others.
  package init(
    _ configuration: RunConfiguration, data: DataConfiguration.Parts,
    on collective: any Collective
  ) throws {
    self.configuration = configuration
    self.data = data
    self.collective = collective
    let source = try configuration.source(data, on: collective)
    let sampler = try Sampler(
      data.training, batchSize: configuration.batchSize, seed: configuration.seed,
      shuffle: configuration.data.shuffle && source.canShuffle,
      dropLast: configuration.data.dropLast, blocks: configuration.data.blocks,
      draws: try configuration.data.sampling?.draws(
        from: data.training, data.record.description.target),
      poisson: try configuration.update.privacy.map { _ in
        try PoissonDraws(population: data.training.count, mean: configuration.batchSize)
      })
    let units = LabelUnits.all(data.record.description)
    try configuration.checkScore(
      metrics: source.evaluationMetricNames(units), hasTest: data.test != nil)
    let teacher = try configuration.distillation?.logits(
      for: data.training, data.record.description,
      labelLoss: try configuration.labelLoss(for: data.record.description),
      classes: try source.outputShape().last ?? 0, options: configuration.planOptions,
      on: collective)
    source.teacher = teacher?.0
    let sizes = try data.test.map {
      try source.evaluationSizes(on: $0, batchSize: configuration.evaluationBatchSize)
    }
    training = try Training(
      source, sampler: sampler,
      evaluationSizes: sizes ?? [],
      options: configuration.trainingOptions, addsByTree: configuration.reduction == "tree",
      ranks: collective
    ) { try configuration.update.chain(totalSteps: $0) }
    let schedule = configuration.scheduleLength(totalSteps: training.totalSteps)
    conditions = [schedule, teacher?.1, configuration.modelFile].compactMap { $0 }
    evaluations = try Self.evaluations(
      configuration, data, source, training.rule, training.average, collective)
    notices =
      try RunNotices(
        configuration, data, training, rankCount: collective.size,
        ranksOnNode: collective.page?.rankCount ?? collective.size
      ).lines
  }

  /// The test of the weights, and of their average where one is kept.
  private static func evaluations(
    _ configuration: RunConfiguration, _ data: DataConfiguration.Parts, _ source: ModelSource,
    _ rule: UpdateRule, _ average: AveragedModel?, _ collective: any Collective
  ) throws -> [Evaluation] {
    guard let test = data.test else { return [] }
    func evaluation(_ name: String) throws -> Evaluation {
      try ModelEvaluator(source, on: test).evaluation(
        name, shardSize: configuration.evaluationBatchSize,
        units: LabelUnits.all(data.record.description), on: collective)
    }
    let plain = try evaluation("test")
    if let minimizes = configuration.update.plateauMinimizes {
      let metric = configuration.options.scoreMetric
      plain.onReport = { report in
        rule.report(
          metric: minimizes == (metric.map { report.isError($0) } ?? true)
            ? metric.flatMap { report[$0] } ?? report.loss : report.loss)
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
  package func loadInitialWeights() throws -> [String] {
    guard let initial = configuration.initialWeights else { return [] }
    var lines: [String] = []
    try collective.onRoot { lines = try initial.load(into: source, data.record.description) }
    return lines
  }

  /// The trainer of the run.
  ///
  /// - Parameters:
  ///   - directory: where to leave files, on rank 0; nil on the others, or on all for none.
  ///   - agreement: what all ranks must have the same of, beside configuration, model and data.
  ///   - evaluates: whether test examples are evaluated.
  ///   - control: what asks for something, on rank 0.
  ///   - listener: hears events, on rank 0 only.
  package func trainer(
    directory: RunDirectory?, agreement: Handshake = Handshake(), evaluates: Bool = true,
    control: TrainingControl? = nil,
    listener: @escaping (TrainingEvent) throws -> Void
  ) throws -> Trainer {
    var handshake = agreement
    handshake.add("the data", data.fingerprint)
    if let model = configuration.model as? ImportedModel {
      handshake.add("the model's file", model.fingerprint)
    }
    return try Trainer(
      step: step, sampler: sampler, evaluations: evaluates ? evaluations : [],
      options: configuration.options,
      configuration: configuration.resolved,
      resumption: Resumption(
        mayDiffer: configuration.mayDiffer, mayBeAbsent: RunConfiguration.mayBeAbsent,
        conditions: conditions, data: data.record),
      handshake: handshake, directory: directory, on: collective,
      control: control ?? TrainingControl(), listener: listener)
  }
}

extension RunConfiguration {
  /// Everything that a training is told beside its model, data, loss and chain.
  package var trainingOptions: TrainingOptions {
    var all = TrainingOptions()
    all.run = options
    all.shards = shards
    all.threads = threads
    all.shuffle = data.shuffle
    all.dropLast = data.dropLast
    all.inputs = inputs
    all.evaluationBatchSize = evaluationBatchSize
    all.groups = update.groups
    all.constraints = update.constraints
    all.regularizers = update.regularizers
    all.average = update.average
    all.sharpness = update.sharpness
    all.hessianFree = hessianFree
    all.freezing = freezing
    all.exampleClip = update.exampleClip
    all.shardClip = update.shardClip
    all.privacy = update.privacy
    all.nonFinite = nonFinite
    all.sharing = sharing
    all.wire = wire
    all.plan = planOptions
    return all
  }

  /// The model on the training part, with initial weights drawn from the seed.
  ///
  /// - Parameter collective: the ranks that make it at once.
  /// - Throws: `GraphError` where the model does not fit the data, `MemoryShortage` where it does
  /// not fit
  ///   into memory.
  package func source(
    _ data: DataConfiguration.Parts, on collective: any Collective = SoloCollective()
  ) throws -> ModelSource {
    let source = try ModelSource(
      tracedModel(for: data.record.description),
      losses: try losses(for: data.record.description),
      on: data.training,
      seed: seed, freezing: freezing, options: planOptions, threads: threads,
      exampleClip: update.exampleClip, readsLogits: update.constraints.askForLogits,
      admit: { try ($0 + $1).check(on: collective) })
    source.augmentation = try self.data.augment.augmentation(for: data.training)
    return source
  }

  /// The model, with vectors for the categories that the data have instead of inputs, and with its heads.
  package func tracedModel(for description: DataDescription) -> SingleInputModel {
    SingleInputModel(
      model, categories: description.categories,
      heads: zip(heads, description.heads).map { $0.head($1.target) })
  }

  /// What is minimised: the loss, or those of all heads.
  private func losses(for description: DataDescription) throws -> OutputLosses {
    try heads.isEmpty
      ? OutputLosses(loss(for: description), metrics: metrics) : heads.losses
  }

  /// What is minimised, with weights that are made of the training part.
  ///
  /// - Throws: `GraphError` where they cannot be made.
  func loss(for description: DataDescription) throws -> any LossFunction {
    let labelLoss = try labelLoss(for: description)
    return data.augment.mixing(try distillation?.loss(labelLoss) ?? labelLoss)
  }

  /// The loss of the labels, with weights that are made of the training part.
  func labelLoss(for description: DataDescription) throws -> any LossFunction {
    guard let unfitted = labelLoss as? any FittedLoss, unfitted.needsFitting else {
      return labelLoss
    }
    return try unfitted.fitted(
      counts: description.labels?.counts, rows: description.labels?.rows ?? 0,
      names: description.target.classes?.names)
  }

  /// The model on some examples, to evaluate it.
  ///
  /// - Parameters:
  ///   - description: what training learned about its data.
  ///   - collective: the ranks that make it at once.
  /// - Throws: `GraphError` where the model does not fit the data, `MemoryShortage` where it does
  /// not fit
  ///   into memory.
  package func source(
    on examples: any ExampleSource, _ description: DataDescription,
    ranks collective: any Collective = SoloCollective()
  ) throws -> ModelSource {
    try ModelSource(
      tracedModel(for: description),
      losses: try losses(for: description), on: examples,
      seed: seed, freezing: freezing, options: planOptions, threads: threads,
      admit: { model, _ in try model.check(on: collective) })
  }
}

extension DataDescription {
  /// The inputs of a model that become vectors.
  var categories: [SingleInputModel.Category] {
    embedded.map { .init($0.inputName, Embedding($0.count, $0.width, paddingIndex: 0)) }
  }
}
