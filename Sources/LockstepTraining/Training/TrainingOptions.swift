import LockstepFold
import LockstepEngine
import LockstepOptimization

/// What a ``Training`` can be told beside its model, examples, loss and update.
public struct TrainingOptions: Sendable {
  /// How long, and when to evaluate, save and compare. The training's own `epochs` replaces the one here.
  public var run = TrainerOptions(epochs: 10)
  /// The number of logical shards L, a power of two; nil for what follows from the batch size alone
  /// (`defaultShards(batchSize:)`). Bits depend on it, and not on the number of ranks.
  public var shards: Int?
  /// The threads of each rank.
  public var threads = 1
  /// Whether each epoch has a random order of its own. Streams side by side keep the data's own order, and so
  /// do the examples of a model that carries states.
  public var shuffle = true
  /// Whether an epoch's last batch is left out where it is not full.
  public var dropLast = false
  /// Where the inputs of examples are made ready.
  package var inputs: InputPreparation = .automatic
  package var evaluationBatchSize: Int

  package var groups: [ParameterGroup]
  package var constraints: [ConstraintRule]
  /// Penalties of the loss by names of parameters.
  package var regularizers: [RegularizerRule] = []
  package var average: WeightAverage?
  /// Where the gradient is taken, if not at the weights.
  package var sharpness: SharpnessAware?
  package var hessianFree: HessianFreeOptions?
  package var freezing: Freezing
  /// The limit of each example's gradient, before gradients are added up.
  package var exampleClip: ExampleClip?
  /// The limit of each shard's gradient, before shards are added up.
  package var shardClip: ShardClip?
  /// The noise that hides single examples; it takes an `exampleClip`.
  package var privacy: Privacy?

  package var nonFinite: NonFinitePolicy
  /// Which ranks update which parameters.
  package var sharing: UpdateSharing = .automatic
  package var wire: WirePrecision
  package var plan: PlanOptions

  /// Makes options; what is left out has its default.
  ///
  /// - Parameters:
  ///   - run: how long, and when to evaluate, save and compare. The training's own `epochs`
  ///     replaces the one here.
  ///   - shards: the number of logical shards L, a power of two; nil for what follows from the
  ///     batch size alone (`defaultShards(batchSize:)`). Bits depend on it, and not on the number
  ///     of ranks.
  ///   - threads: the threads of each rank.
  ///   - shuffle: whether each epoch has a random order of its own.
  ///   - dropLast: whether an epoch's last batch is left out where it is not full.
  ///   - evaluationBatchSize: how many test examples are computed at once.
  ///   - groups: factors of the learning rate and the weight decay, and clips, by names of
  ///     parameters.
  ///   - constraints: constraints by names of parameters; they take the place of those that layers
  ///     carry.
  ///   - average: the average of the weights to keep.
  ///   - hessianFree: second-order steps, which find their directions themselves: the update is
  ///     then no more than clips.
  ///   - freezing: what does not move.
  ///   - nonFinite: what becomes of a step whose gradient is not finite.
  ///   - wire: how gradients travel between ranks.
  ///   - plan: how primitives are chosen, and the numbers that the model is computed in.
  public init(
    run: TrainerOptions = TrainerOptions(epochs: 10), shards: Int? = nil, threads: Int = 1,
    shuffle: Bool = true, dropLast: Bool = false, evaluationBatchSize: Int = 128,
    groups: [ParameterGroup] = [], constraints: [ConstraintRule] = [],
    average: WeightAverage? = nil, hessianFree: HessianFreeOptions? = nil,
    freezing: Freezing = Freezing(), nonFinite: NonFinitePolicy = .stop,
    wire: WirePrecision = .float32, plan: PlanOptions = PlanOptions()
  ) {
    self.run = run
    self.shards = shards
    self.threads = threads
    self.shuffle = shuffle
    self.dropLast = dropLast
    self.evaluationBatchSize = evaluationBatchSize
    self.groups = groups
    self.constraints = constraints
    self.average = average
    self.hessianFree = hessianFree
    self.freezing = freezing
    self.nonFinite = nonFinite
    self.wire = wire
    self.plan = plan
  }
}
