import LockstepEngine
import LockstepFold

/// The sums of a rank's shards in the layouts that leaves can have, kept from step to step.
final class ThreadedFolds {
  private let model: TracedModel
  private let threads: Int
  private var folds: [Int: ThreadedFold] = [:]

  init(_ model: TracedModel, threads: Int) {
    self.model = model
    self.threads = threads
  }

  /// The fold of a rank's shards over its threads, in leaves of a plan's layout or of the canonical
  /// one.
  ///
  /// - Parameter parts: how many parts the shards are cut into; one a thread if nil.
  func fold(
    _ shards: Range<Int>, _ accumulator: ShardAccumulator, _ packing: Plan?, parts: Int? = nil
  ) -> ThreadedFold {
    let count = packing?.leafCount ?? model.layout.count
    let rounding =
      packing.map { accumulator.rounding?.over(count: $0.leafGradientCount) }
      ?? accumulator.rounding
    let fold: ThreadedFold
    if let known = folds[count], known.shards == shards, known.rounding == rounding {
      fold = known
    } else {
      fold = ThreadedFold(
        shards: shards, subtrees: accumulator.subtrees, threads: threads, count: count,
        parts: parts, rounding: rounding)
      folds[count] = fold
    }
    for share in fold.shares {
      share.accumulator.inspector = accumulator.inspector
      share.accumulator.statistics = packing?.leafStatistics ?? accumulator.statistics
    }
    return fold
  }
}

extension Plan {
  /// The plan itself where its leaves have a layout of their own, to be added up in it.
  var packing: Plan? { leavesAreCanonical ? nil : self }
}

extension LaneSet {
  /// Brings a rank's sums to the canonical layout.
  func unpack(
    _ fold: ThreadedFold, _ packing: Plan, into partials: [UnsafeMutableBufferPointer<Float>]
  ) throws {
    let unpacker = try executor(packing)
    for (sum, partial) in zip(fold.partials, partials) { try unpacker.unpack(sum, into: partial) }
  }
}
