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
  /// How many test examples are computed at once.
  public var evaluationBatchSize = 128

  /// Factors of the learning rate and the weight decay, and clips, by names of parameters.
  public var groups: [ParameterGroup] = []
  /// Constraints by names of parameters; they take the place of those that layers carry.
  public var constraints: [ConstraintRule] = []
  /// Penalties of the loss by names of parameters.
  package var regularizers: [RegularizerRule] = []
  /// The average of the weights to keep.
  public var average: WeightAverage?
  /// Second-order steps, which find their directions themselves: the update is then no more than clips.
  public var hessianFree: HessianFreeOptions?
  /// What does not move.
  public var freezing = Freezing()

  /// What becomes of a step whose gradient is not finite.
  public var nonFinite: NonFinitePolicy = .stop
  /// Which ranks update which parameters.
  package var sharing: UpdateSharing = .automatic
  /// How gradients travel between ranks.
  public var wire: WirePrecision = .float32
  /// How primitives are chosen, and the numbers that the model is computed in.
  public var plan = PlanOptions()

  /// The defaults.
  public init() {}
}
