import LockstepFold
import LockstepEngine

/// What a source's threads do in a step, kept so that handing it out allocates nothing.
final class StepWork: CrewWork {
  /// A part of a step.
  enum Part { case shards, join }

  unowned let source: ModelSource
  private var part = Part.shards
  private var batch: StepBatch?
  private var records: ShardRecords?
  private var fold: ThreadedFold?
  private var plan: Plan?
  private var destinations: [UnsafeMutableBufferPointer<Float>] = []

  init(_ source: ModelSource) { self.source = source }

  /// Computes all shards on the crew's threads and joins the threads' sums.
  ///
  /// - Parameters:
  ///   - plan: the plan of all shards, or of as many as are computed at once, where they have one
  ///     size.
  ///   - destinations: where the rank's subtrees go.
  func run(
    _ batch: StepBatch, _ records: ShardRecords, _ fold: ThreadedFold, by plan: Plan?,
    into destinations: [UnsafeMutableBufferPointer<Float>]
  ) throws {
    self.batch = batch
    self.records = records
    self.fold = fold
    self.plan = plan
    self.destinations = destinations
    part = .shards
    try source.crew.run(self)
    part = .join
    try source.crew.run(self)
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
        try source.compute(
          shards, of: batch, into: leaf, addingTo: sum, by: plan, records, source.lanes[thread])
      }
    case .join: fold.join(thread: thread, into: destinations)
    }
  }
}
