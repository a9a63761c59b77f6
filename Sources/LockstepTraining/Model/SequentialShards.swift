import LockstepEngine
import LockstepFold

/// Computes a rank's shards one after the other, on the calling thread. Where the exchange listens, it
/// hears of the sums' parts while the last shard is computed.
final class SequentialShards: ShardComputer {
  private let leaves: LeafComputation
  private let folds: ThreadedFolds
  private let lane: LaneSet
  private var announcer: LeafAnnouncer?

  init(_ leaves: LeafComputation, on lane: LaneSet) {
    self.leaves = leaves
    self.lane = lane
    folds = ThreadedFolds(leaves.model, threads: 1)
  }

  func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    let plans = leaves.plans
    let uniform = try plans.pack(for: records.shards, of: batch)
    let packing = uniform?.packing
    let fold = packing.map { folds.fold(records.shards, accumulator, $0) }
    let adder = fold?.shares[0].accumulator ?? accumulator
    let plan = try uniform.map {
      try plans.atOnce(
        $0, widest: adder.widestGroup, form: leaves.model.form(of: batch),
        deferring: plans.deferred)
    }
    precondition(
      plans.deferred == nil || plan?.omittedSlots.isEmpty == false,
      "a batch that leaves nothing out")
    var announcer: LeafAnnouncer?
    if let plan, let exchange = accumulator.listener, accumulator.inspector == nil {
      announcer = try self.announcer(plan, exchange, adder, fold, into: partials)
    }
    try adder.accumulate(
      into: fold?.partials ?? partials, adding: plan?.partsToAdd, of: plan?.leafParts,
      width: plan?.shards ?? 1,
      piecewise: announcer != nil
    ) { shards, leaf, sum in
      let isLast = shards.upperBound == records.shards.upperBound
      try leaves.compute(
        shards, of: batch, into: leaf, addingTo: sum, by: plan, records, lane,
        announcing: isLast ? announcer : nil)
    }
    if announcer == nil, let fold, let packing {
      try lane.unpack(fold, packing, into: partials)
    }
  }

  /// What announces the parts of a rank's sums.
  private func announcer(
    _ plan: Plan, _ exchange: any GradientExchange, _ adder: ShardAccumulator,
    _ fold: ThreadedFold?, into partials: [UnsafeMutableBufferPointer<Float>]
  ) throws -> LeafAnnouncer {
    if let announcer, announcer.serves(plan, exchange, adder) { return announcer }
    let executor = try lane.executor(plan)
    let unpackers = try zip(fold?.partials ?? [], partials).map { sum, partial in
      try executor.unpacker(sum, into: partial)
    }
    let made = LeafAnnouncer(plan, exchange, adder, unpackers.compactMap { $0 })
    announcer = made
    return made
  }
}
