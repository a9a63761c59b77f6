import LockstepEngine
import LockstepFold

/// Computes a rank's shards on the threads of a crew, a run of them on each, and joins the threads' sums.
///
/// What the threads do in a step is kept here, so that handing it out allocates nothing.
final class ThreadedShards: ShardComputer, CrewWork {
  /// A part of a step.
  private enum Part { case shards, join }

  private let leaves: LeafComputation
  private let folds: ThreadedFolds
  private let crew: Crew
  private let lanes: [LaneSet]

  private var part = Part.shards
  private var batch: StepBatch?
  private var records: ShardRecords?
  private var fold: ThreadedFold?
  /// The plan of all shards, or of as many as are computed at once, where they have one size.
  private var plan: Plan?
  /// Where the rank's subtrees go.
  private var destinations: [UnsafeMutableBufferPointer<Float>] = []

  /// - Parameter lanes: one a thread of the crew.
  init(_ leaves: LeafComputation, by crew: Crew, on lanes: [LaneSet]) {
    self.leaves = leaves
    self.crew = crew
    self.lanes = lanes
    folds = ThreadedFolds(leaves.model, threads: crew.size)
  }

  func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    let uniform = try leaves.plans.pack(for: records.shards, of: batch)
    let packing = uniform?.packing
    let fold = folds.fold(records.shards, accumulator, packing)
    let widest = fold.shares.lazy.map(\.accumulator.widestGroup).min() ?? 1
    self.batch = batch
    self.records = records
    self.fold = fold
    let form = leaves.model.form(of: batch)
    plan = try uniform.map { try leaves.plans.atOnce($0, widest: widest, form: form) }
    destinations = packing == nil ? partials : fold.partials
    part = .shards
    try crew.run(self)
    part = .join
    try crew.run(self)
    if let packing { try lanes[0].unpack(fold, packing, into: partials) }
  }

  func work(thread: Int) throws {
    guard let fold, let batch, let records else { return }
    switch part {
    case .shards:
      guard thread < fold.shares.count else { return }
      let share = fold.shares[thread]
      try share.accumulator.accumulate(
        into: share.partials, adding: plan?.partsToAdd, width: plan?.shards ?? 1
      ) { shards, leaf, sum in
        try leaves.compute(
          shards, of: batch, into: leaf, addingTo: sum, by: plan, records, lanes[thread])
      }
    case .join: fold.join(thread: thread, into: destinations)
    }
  }
}
