import LockstepEngine
import LockstepFold

/// A way to compute a rank's shards: one after the other, on several threads, or beside those of all
/// ranks.
///
/// Where all shards of a rank have one size, leaves are added up in the packed layout that the primitives
/// write, and the sum is brought to the canonical layout once; otherwise each leaf is. The additions are
/// elementwise, so both ways give the same bits. Shards of one size whose operations allow it are computed
/// several at once, which again gives the same bits.
protocol ShardComputer: AnyObject {
  /// See `GradientSource/computeShards(of:into:records:accumulator:)`.
  func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws
}
