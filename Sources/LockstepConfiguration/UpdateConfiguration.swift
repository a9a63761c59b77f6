import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepOptimization
import LockstepTraining

/// Clips, optimizer, parameter groups and constraints, as a configuration names them.
package struct UpdateConfiguration: Sendable {
  /// The optimizer; nil where the step finds the direction itself.
  private let made: Optimizer?
  /// The optimizer's values.
  let optimizer: Hyperparameters?
  /// The clips, first one first, with their values.
  let clips: [(transform: any GradientTransform, values: Hyperparameters)]
  /// The limit of each example's gradient, before all clips.
  let exampleClip: ExampleClip?
  /// The limit of each shard's gradient, before shards are added up.
  let shardClip: ShardClip?
  /// The noise that hides single examples.
  let privacy: Privacy?
  let groups: [ParameterGroup]
  let constraints: [ConstraintRule]
  let regularizers: [RegularizerRule]
  let average: WeightAverage?
  /// Where the gradient is taken, if not at the weights.
  let sharpness: SharpnessAware?

  /// The values of the learning rate's schedule.
  var schedule: Hyperparameters? { optimizer?.object("schedule") }

  /// Whether the learning rate follows the evaluations, and whether a lower loss is what counts.
  var plateauMinimizes: Bool? {
    guard let schedule, schedule.name == "reduceOnPlateau" else { return nil }
    return schedule["goal"] == ReduceOnPlateau.Goal.minimize
  }

  /// The length of the learning rate's schedule; nil for a schedule without one.
  ///
  /// - Parameter totalSteps: how long a schedule lasts that does not say it itself.
  func scheduleSteps(totalSteps: Int) -> Int? {
    guard let schedule,
      let variant = ScheduleCatalog.catalog.form.variant(schedule.name),
      variant.hyperparameters.contains(where: { $0.key == "steps" })
    else { return nil }
    return schedule["steps"] ?? totalSteps
  }

  /// The chain of transforms for a run.
  ///
  /// - Parameter totalSteps: how long schedules last that do not say it themselves.
  /// - Throws: `HyperparameterError`.
  package func chain(totalSteps: Int) throws -> Chain {
    let clips = Chain(clips.map(\.transform))
    return try made.map { clips + (try $0.chain(totalSteps: totalSteps)) } ?? clips
  }

  /// The keys of a configuration.
  static let keys: [Hyperparameter] = [
    .with(
      "optimizer", .object { OptimizerCatalog.catalog.form }, [:],
      "what makes an update of a gradient"
    ).unless("hessianFree"),
    .optional(
      "clip", .objects { InnerClips.form }, "limits of the gradient, applied in order"),
    .optional(
      "privacy", .object { Privacy.form },
      "noise that hides single examples, behind a clip of the type `perExample` ([privacy.md](privacy.md))"
    ),
    .optional(
      "constraints", .objects { rule(ConstraintCatalog.catalog.form) },
      "sets that weights are projected onto after every update"),
    .optional(
      "regularizers",
      .objects {
        var form = rule(RegularizerCatalog.catalog.form)
        form.numberMeans = { [["pattern": "*.weight", "type": "l2", "l2": $0]] }
        return form
      }, "penalties on weights that are part of the loss"),
    .optional(
      "average", .object { WeightAverage.form }, "an exponential average of the weights"),
    .optional(
      "sam", .object { SharpnessAware.form },
      "takes the gradient where the loss is largest near the weights, at twice the work"
    ).unless("hessianFree"),
  ]

  /// A catalog's form with the keys that say which parameters are meant.
  @Sendable private static func rule(_ form: Form) -> Form {
    var form = form
    form.name += "Rule"
    form.shorthand = nil
    form.numberMeans = nil
    form.exactlyOne = ["pattern", "kind"]
    form.refusal = { reader throws(ConfigurationError) in
      switch (reader.contains("pattern"), reader.contains("kind")) {
      case (true, false), (false, true): break
      case (false, false):
        throw reader.missing(
          "pattern", "is missing: a rule names its parameters by 'pattern' or by 'kind' of layer")
      case (true, true):
        throw reader.error(
          "kind", "and 'pattern' both say what the rule is about; give one of the two")
      }
    }
    form.keys = [
      .optional("pattern", .text, "names of parameters, with * and ?"),
      .optional("kind", .text, "a type of layers, whose kernels are meant"),
    ]
    return form
  }

  init(_ values: Hyperparameters) throws(ConfigurationError) {
    optimizer = values.object("optimizer")
    made = try values.make("optimizer", OptimizerCatalog.catalog)
    groups = (optimizer?.objects("groups") ?? []).map { ParameterGroup($0) }
    var clips: [(any GradientTransform, Hyperparameters)] = []
    let inner = try InnerClips(values.objects("clip"))
    for clip in inner.others { clips.append((try ClipCatalog.catalog.make(clip), clip)) }
    self.clips = clips
    exampleClip = inner.example
    shardClip = inner.shard
    privacy = values.object("privacy").map { Privacy($0) }
    guard privacy == nil || exampleClip != nil else {
      throw values.error(
        "privacy",
        "needs a clip of the type 'perExample', which says what the noise hides: set \"clip\" to "
          + "{\"type\": \"perExample\", \"norm\": 1}")
    }
    var rules: [ConstraintRule] = []
    for rule in values.objects("constraints") {
      rules.append(
        ConstraintRule(Self.target(rule), try ConstraintCatalog.catalog.make(rule)))
    }
    constraints = rules
    var penalties: [RegularizerRule] = []
    for rule in values.objects("regularizers") {
      penalties.append(
        RegularizerRule(Self.target(rule), try RegularizerCatalog.catalog.make(rule)))
    }
    regularizers = penalties
    average = values.object("average").map { WeightAverage($0) }
    sharpness = values.object("sam").map { SharpnessAware($0) }
  }

  /// What a rule is about: `pattern`, names of parameters, or `kind`, a kind of layers.
  private static func target(_ values: Hyperparameters) -> ParameterTarget {
    (values["kind"] as String?).map { .kernels(ofKind: $0) } ?? .pattern(values["pattern"])
  }
}
