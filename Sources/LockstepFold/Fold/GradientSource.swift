import LockstepCollective
import LockstepEngine
import LockstepFiles

/// What computes gradients: a model on its data, seen from the step.
///
/// The flat arena that is folded (``layout``) holds the gradients of the trainable parameters in
/// its first ``gradientSlotCount`` slots and sums of batch statistics behind them. All values of a
/// leaf are *sums* over the shard's examples: gradients of weighted losses, statistics times the
/// shard's number of examples. The step divides once, after the fold.
package protocol GradientSource: AnyObject {
  /// The arena that is folded: gradients, then statistics.
  var layout: FlatLayout { get }
  /// The number of leading slots of ``layout`` that are gradients.
  var gradientSlotCount: Int { get }
  /// The trainable parameters. They lie where their gradients lie in ``layout``.
  var parameters: UnsafeMutableBufferPointer<Float> { get }
  /// The number of steps before the first that moves each gradient's parameter; empty where all move from
  /// the first step on. Until then its gradient is not computed.
  var stepsBeforeMoving: [Int] { get }
  /// The names of the metrics in a shard's record, in order.
  var metricNames: [String] { get }
  /// How each metric is made of the columns behind a record's fixed ones.
  var metricFormulas: [MetricFormula] { get }
  /// The columns behind a record's fixed ones that are maxima over examples, and not sums.
  var maximumColumns: Range<Int> { get }
  /// The limit of the norm of each shard's gradient, and where norms are noted; nil where there is none. Leaves are
  /// canonical where there is one.
  var shardNorms: ShardNorms? { get }
  /// The number of examples that batches can name; nil where that is not known.
  var exampleCount: Int? { get }
  /// The names of all parameters in declaration order, in which a fingerprint covers them; empty where
  /// ``stateEntries`` have that order.
  var declaredNames: [String] { get }
  /// Everything of the model that a checkpoint must hold: trainable parameters, frozen ones,
  /// running statistics. Arenas have the names of PyTorch's `state_dict` in their slots.
  var stateEntries: [StateEntry] { get }

  /// Whether shards see each other while they are computed (synchronised batch normalisation), so that
  /// computing them takes all ranks at once.
  var isJoint: Bool { get }

  /// Learns which ranks compute which shards, for a source whose shards see each other. Called by all
  /// ranks, by the step that will compute them.
  func join(_ plan: FoldPlan, on collective: any Collective) throws

  /// Takes no part in a batch that the other ranks begin to compute, and lets them know where they
  /// would wait for it. Throws `failure`; they throw ``PeerFailure``.
  func declineShards(because failure: any Error) throws -> Never

  /// Computes all shards of this rank and leaves one sum a subtree in `partials`.
  ///
  /// Slots are written whole and padding stays zero. An empty shard is a leaf of zeros with a
  /// record of zeros. Nothing that a checkpoint holds may change.
  ///
  /// - Parameters:
  ///   - batch: the step's examples.
  ///   - partials: `plan.subtrees[rank]` arenas of ``layout``, in shard order.
  ///   - records: this rank's records, zeros at first.
  ///   - accumulator: adds leaves up to subtrees for a source that has no faster way. It also looks at
  ///     each leaf before it is added, where what is not finite is to be taken out: a source that
  ///     adds by itself passes its leaves to accumulators with the same inspector.
  func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws

  /// Throws where a batch of this size, cut in this way, cannot be computed. Asked before the first
  /// step, on all ranks alike, for each size that a run has.
  func check(_ batch: StepBatch) throws

  /// The weight that the record of so many examples gets, which are computed at once; nil where it is
  /// not known before they are.
  func weight(ofExamples count: Int) -> Double?

  /// Whether examples are computed one by one, whatever the batch's micro-batches are.
  var computesExamplesAlone: Bool { get }

  /// Hears what the step after the one at hand will compute, so that examples can be made ready
  /// ahead. Asking for the batch costs; a source that has no use for it need not.
  func anticipate(_ batch: () throws -> StepBatch) rethrows

  /// Computes one shard into `leaf`, with the bits that
  /// ``computeShards(of:into:records:accumulator:)`` gives it. A step whose gradient is not finite
  /// uses it to find out where that began. Shards that see each other are those of the last batch that
  /// was computed, which `batch` must be.
  func computeShard(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    record: ShardRecord
  ) throws

  /// When a shard's part of what the shards let each other see was not finite for the first time in the
  /// last batch: behind how many meetings. Afterwards the values of all shards are not. `Int.max`
  /// where it always was.
  func firstNotFinite(ofShard shard: Int) -> Int

  /// The first example of a shard whose own gradient is not finite, by its number in the data set; nil where that
  /// is not known.
  func firstNotFiniteExample(ofShard shard: Int, of batch: StepBatch) throws -> Int?

  /// Computes fixed data with fixed weights, through all that shards of these sizes will be computed
  /// with, and returns hashes of what comes out, which all ranks must have the same of.
  ///
  /// - Parameter meeting: returns when all ranks have called; called equally often on each, whatever
  ///   goes wrong, by a source that borrows memory that ranks share.
  func probe(
    shardSizes: Set<Int>, meeting: () throws -> Void
  ) throws -> [(name: String, fingerprint: Fingerprint)]

  /// The number of values that `shareParameters(_:)` needs room for; 0 for a source that cannot.
  var shareableCount: Int { get }

  /// Lets the parameters lie in `arena` from now on, which other ranks see too. Values are taken
  /// along by the rank that `copies`. Called before anybody has taken ``parameters`` or
  /// ``stateEntries``.
  func shareParameters(_ arena: SharedArena, copies: Bool) throws

  /// Takes over the folded statistics, divided by the folded number of examples, as part of a step
  /// that succeeds.
  ///
  /// - Parameter folded: the whole arena; statistics lie in the slots from ``gradientSlotCount``
  ///   on.
  func commitStatistics(_ folded: UnsafeBufferPointer<Float>)
}

extension GradientSource {
  /// The number of columns that metrics and the counts that divide them take in a record.
  package var metricColumns: Int { metricFormulas.columnCount }

  /// The values of the metrics, from their sums.
  package func metricMeans(of total: ShardRecord) -> [Double] {
    metricFormulas.map { $0(total) }
  }

  /// Metrics are means over examples.
  package var metricFormulas: [MetricFormula] { MetricFormula.means(metricNames.count) }
  /// All are sums.
  package var maximumColumns: Range<Int> { 0..<0 }
  /// No limit.
  package var shardNorms: ShardNorms? { nil }
  package var exampleCount: Int? { nil }
  /// All parameters move.
  package var stepsBeforeMoving: [Int] { [] }
  package var declaredNames: [String] { [] }
  /// Shards know nothing of each other.
  package var isJoint: Bool { false }
  package func join(_ plan: FoldPlan, on collective: any Collective) throws {}
  package func declineShards(because failure: any Error) throws -> Never { throw failure }
  package func firstNotFinite(ofShard shard: Int) -> Int { .max }
  /// Examples have no gradients of their own.
  package func firstNotFiniteExample(ofShard shard: Int, of batch: StepBatch) throws -> Int? { nil }
  /// Every batch can be computed.
  package func check(_ batch: StepBatch) throws {}
  /// Nothing is known before.
  package func weight(ofExamples count: Int) -> Double? { nil }
  /// Examples are computed together.
  package var computesExamplesAlone: Bool { false }
  /// Nothing is made ready ahead.
  package func anticipate(_ batch: () throws -> StepBatch) rethrows {}

  /// Nothing is known of how gradients are computed.
  package func probe(
    shardSizes: Set<Int>, meeting: () throws -> Void
  ) throws -> [(name: String, fingerprint: Fingerprint)] { [] }

  /// Parameters stay where they are.
  package var shareableCount: Int { 0 }
  package func shareParameters(_ arena: SharedArena, copies: Bool) throws {
    throw GraphError(
      "the source says that it can share \(shareableCount) values, and has no shareParameters(_:copies:)"
    )
  }

  /// Computes shard by shard in shard order.
  package func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    try accumulator.accumulate(into: partials) { shard, leaf in
      try computeShard(shard, of: batch, into: leaf, record: records[known: shard])
    }
  }
}
