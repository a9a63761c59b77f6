import LockstepFold
import LockstepEngine

/// A rank's shards side by side, a lane each, for a model with operations that see all shards: what is kept
/// of a batch while all ranks go through it part by part.
final class JointShards {
  let fold: JointFold
  let shards: Range<Int>
  /// The positions of the shards that each thread computes.
  let runs: [Range<Int>]
  /// One a shard.
  let states: [State]
  /// The batch whose leaves and numbers are at hand.
  var computed: Computed?

  struct Computed {
    let step: Int
    /// The plan whose layout the leaves have; nil for the canonical one.
    let packing: Plan?
  }

  /// One shard's part of a pass.
  final class State {
    let lanes = LaneSet(sharesActivations: true)
    /// Where the shard's gradient goes.
    var leaf = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    /// Whether a micro-batch has been written to it.
    var hasLeaf = false
    /// What the micro-batch at hand runs in; nil for one without examples.
    var executor: ShardExecutor?
    /// The micro-batch's rows of the batch.
    var positions = 0..<0
    var context = RunContext()
    /// Where its gradient goes, and where the lane writes it.
    var place = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
    var target = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  }

  private let numbers: Arena<Double>
  private let columns: Int

  /// - Parameters:
  ///   - fold: what the shards meet in.
  ///   - threads: the number of threads.
  ///   - metrics: the number of metrics in a shard's record.
  init(_ fold: JointFold, threads: Int, metrics: Int) {
    self.fold = fold
    shards = fold.shards
    runs = FoldPlan.runs(of: fold.shards.count, over: threads)
    states = fold.shards.map { _ in State() }
    columns = ShardRecord.Column.metrics + metrics
    numbers = Arena(count: fold.shards.count * columns)
  }

  /// Keeps the shards' numbers.
  func keep(_ records: ShardRecords) {
    for (position, shard) in shards.enumerated() {
      // What an inspector counts stands behind the model's own numbers.
      _ = kept(position).update(fromContentsOf: records[known: shard].values[..<columns])
    }
  }

  /// The numbers kept of a shard.
  func kept(_ position: Int) -> UnsafeMutableBufferPointer<Double> {
    .init(start: numbers.base + position * columns, count: columns)
  }
}
