import LockstepCatalog
import LockstepObservation
import LockstepFold
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
package struct RunConfiguration: Sendable {
  /// The examples.
  package let data: DataConfiguration
  /// The model.
  package let model: any Model
  /// What is minimised: the loss of the labels, or its mixture with a teacher's predictions.
  package let loss: any LossFunction
  /// The loss of the labels.
  package let labelLoss: any LossFunction
  /// What is reported beside the loss and its own metrics.
  package let metrics: [any Metric]
  /// The heads, where the model has several: `loss` and `metrics` are those of the first.
  package let heads: [HeadConfiguration]
  /// The teacher, where there is one.
  package let distillation: DistillationConfiguration?
  /// The key of everything random.
  package let seed: UInt64
  /// What a step is made of.
  let step: StepSection
  /// How ranks compute.
  let compute: ComputeSection
  /// What happens around the steps.
  let rounds: RoundsSection
  /// The configuration with all defaults, as `config.json` has it.
  package let resolved: JSONValue

  /// The number of examples of a step, over all ranks.
  package var batchSize: Int { step.batchSize }
  /// The number of logical shards L.
  package var shards: Int { step.shards }
  /// Clips, optimizer, groups, constraints.
  public var update: UpdateConfiguration { step.update }
  /// The Hessian-free step's options, where that takes the optimizer's place.
  package var hessianFree: HessianFreeOptions? { step.hessianFree }
  /// What becomes of a step whose gradient is not finite.
  package var nonFinite: NonFinitePolicy { step.nonFinite }
  /// What does not move.
  package var freezing: Freezing { step.freezing }
  /// The weights to start from.
  package var initialWeights: InitialWeights? { step.initialWeights }
  /// Which ranks update which parameters.
  package var sharing: UpdateSharing { step.sharing }
  /// The name of the order in which gradients are added: `tree` or `allreduce`.
  package var reduction: String { step.reduction }
  /// How gradients travel between ranks.
  package var wire: WirePrecision { step.wire }
  /// How many bytes of gradients travel together beside the backward pass; nil for what the link
  /// between nodes suggests.
  package var bucketBytes: Int? { step.bucketBytes }
  /// How primitives are chosen.
  package var planOptions: PlanOptions { compute.planOptions }
  /// The number of threads of each rank.
  package var threads: Int { compute.threads }
  /// Where the inputs of examples are made ready.
  package var inputs: InputPreparation { compute.inputs }
  /// How many of the newest checkpoints are kept.
  package var keptCheckpoints: Int { rounds.keptCheckpoints }
  /// How many test examples are computed at once.
  package var evaluationBatchSize: Int { rounds.evaluationBatchSize }
  /// Whether events are written for TensorBoard.
  package var writesTensorBoard: Bool { rounds.writesTensorBoard }
  /// How long ranks wait for each other.
  package var patience: Watchdog.Patience { rounds.patience }
  /// How long, and when to do what.
  package var options: TrainerOptions {
    var options = TrainerOptions(epochs: step.epochs)
    options.steps = step.steps
    options.microBatches = step.microBatches
    options.evaluateEveryEpochs = rounds.evaluateEveryEpochs
    options.scoreMetric = rounds.scoreMetric
    options.earlyStopping = rounds.earlyStopping
    options.maxSeconds = rounds.maxSeconds
    options.checkpointEverySteps = rounds.checkpointEverySteps
    options.compareEverySteps = rounds.compareEverySteps
    options.parameterNormsEverySteps = rounds.parameterNormsEverySteps
    options.logsSingularValues = rounds.logsSingularValues
    return options
  }

  /// What the configuration is called in errors.
  let source: String

  /// The configuration as it was given.
  private let given: JSONValue
  /// The folder that its paths are relative to.
  private let directory: String

  /// The dotted keys that name files of data.
  static let dataPaths = form.filePaths.filter { $0.hasPrefix("data.") }

  /// An override whose paths are relative to the working directory, where the user typed them, and
  /// not to the configuration's folder.
  private static func typed(_ override: Override) -> Override {
    var value = override.value
    for key in form.filePaths {
      if key == override.path {
        value = absolute(value)
      } else if key.hasPrefix(override.path + ".") {
        let rest = String(key.dropFirst(override.path.count + 1))
        guard let path = value[rest] else { continue }
        // The key is there, so that it can be set.
        try? Override(path: rest, value: absolute(path)).apply(to: &value)
      }
    }
    return Override(path: override.path, value: value)
  }

  /// A path, or each of several, relative to the working directory.
  private static func absolute(_ value: JSONValue) -> JSONValue {
    if let path = value.stringValue { return .string(AbsolutePath.of(path)) }
    return value.arrayValue.map { .array($0.map(absolute)) } ?? value
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
  package init(
    parsing text: [UInt8], source: String, directory: String? = nil, overrides: [Override] = []
  ) throws(ConfigurationError) {
    var value: JSONValue
    do {
      value = try JSONValue.parse(text, source: source, allowsComments: true)
    } catch {
      throw ConfigurationError(source: source, path: "", reason: error.place)
    }
    for override in overrides { try Self.typed(override).apply(to: &value) }
    try self.init(value, source: source, directory: directory)
  }

  /// The configuration with some values replaced.
  ///
  /// - Parameter source: what the configuration is called in errors.
  package func overridden(
    by overrides: [Override], source: String
  ) throws(ConfigurationError) -> RunConfiguration {
    var value = given
    for override in overrides { try Self.typed(override).apply(to: &value) }
    return try RunConfiguration(value, source: source, directory: directory)
  }

  /// Reads a configuration.
  package init(
    _ value: JSONValue, source: String, directory: String? = nil
  ) throws(ConfigurationError) {
    given = value
    self.source = source
    self.directory = directory ?? AbsolutePath.folder(of: source)
    var value = value
    if var object = value.objectValue {
      // For editors.
      object["$schema"] = nil
      value = .object(object)
    }
    let reader = try ConfigurationReader(value, source: source, directory: self.directory)
    let values = try Self.form.read(reader)
    try reader.finish()
    resolved = values.resolved
    seed = UInt64(values["seed"] as Int)
    heads = try [HeadConfiguration](values)
    let single = try values.make("loss", LossCatalog.catalog)
    let labelLoss = Self.require(heads.first?.loss ?? single)
    var data = try DataConfiguration(
      Self.require(values.object("data")), seed: seed, batchSize: values["batchSize"],
      heads: heads.map(\.target))
    data.targetLimits =
      heads.isEmpty
      ? [TargetLimit(of: labelLoss)] : heads.map { TargetLimit(of: $0.loss) }
    data.countsLabels = (labelLoss as? any FittedLoss)?.countsLabels ?? false
    self.data = data
    self.labelLoss = labelLoss
    var distillation: DistillationConfiguration?
    if let object = values.object("distillation") {
      distillation = try DistillationConfiguration(object, beside: labelLoss.name)
    }
    self.distillation = distillation
    if data.augment.mixes, distillation != nil {
      throw values.error(
        "distillation",
        "does not go with 'mixup' and 'cutMix' of 'data.augment': the teacher has seen no mixtures")
    }
    let plain = try values.make { try distillation?.loss(labelLoss) ?? labelLoss }
    loss = data.augment.mixing(plain)
    var metrics = heads.first?.metrics ?? []
    for metric in values.objects("metrics") {
      metrics.append(try MetricCatalog.catalog.make(metric))
    }
    self.metrics = metrics
    step = try StepSection(values)
    if step.update.privacy != nil, distillation != nil {
      throw values.error(
        "distillation",
        "and 'privacy' do not go together: a teacher that has seen the examples tells of them, and ε would not"
      )
    }
    compute = try ComputeSection(values)
    rounds = try RoundsSection(values)
    model = try ConfiguredModels.make(Self.require(values.object("model")))
  }

  /// An object that is always read.
  private static func require<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("the form of a configuration has changed") }
    return value
  }

  /// The keys of a configuration, in the order in which `config.json` has them.
  package static let form: Form = {
    var form = Form(
      "configuration",
      [
        .with(
          "seed", .integer(atLeast: 0), 1,
          "the key of everything random: initial weights, order, dropout, synthetic data"),
        .required("data", .object { DataCatalog.catalog.form }, "the examples"),
        .required("model", .object { ConfiguredModels.form }, "what is trained"),
        .with("loss", .object { LossCatalog.catalog.form }, [:], "what is minimised")
          .unless("heads"),
        .optional(
          "heads", .objects { HeadConfiguration.form },
          "what predicts several targets of different kinds ([data.md](data.md#several-heads))"),
        .optional(
          "distillation", .object { DistillationConfiguration.form },
          "a teacher, whose predictions are learned beside the labels"),
        .optional(
          "metrics", .objects { MetricCatalog.catalog.form },
          "what is reported beside the loss and its own metrics"),
      ] + StepSection.keys + ComputeSection.keys + RoundsSection.keys)
    form.refusal = { reader throws(ConfigurationError) in
      if reader.contains("heads"), reader.peek("heads") != .array([]),
        let key = ["loss", "metrics"].first(where: {
          reader.contains($0) && reader.peek($0) != .array([])
        })
      {
        throw reader.error(
          key, "stands beside 'heads', each of which has its own; leave it out here")
      }
      guard reader.contains("hessianFree"), reader.contains("optimizer") else { return }
      throw reader.error("optimizer", "stands beside 'hessianFree'; give one of the two")
    }
    return form
  }()

  /// What a configuration may hold, as a JSON Schema.
  package static var schema: JSONValue { Schema.of(form, title: "A configuration of Lockstep") }
}
