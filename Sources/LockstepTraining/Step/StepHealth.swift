import LockstepCollective
import LockstepFold
import LockstepEngine

/// Whether a step may change anything, decided alike on all ranks, and how many steps could not.
final class StepHealth {
  private let policy: NonFinitePolicy
  private let search: OriginSearch
  /// Steps that were skipped, those of them in a row up to now, steps with sanitized shards.
  private let counters = Arena<Int64>(count: 3)

  init(
    _ policy: NonFinitePolicy, plan: FoldPlan, source: any GradientSource,
    on collective: any Collective
  ) throws {
    try policy.validate()
    self.policy = policy
    search = OriginSearch(plan: plan, source: source, collective: collective)
  }

  var stateEntries: [StateEntry] { [StateEntry("step.notFinite", .integers(counters.buffer))] }

  /// The number of steps up to now, without a healthy one in between, that were skipped.
  var skippedInARow: Int { Int(counters.buffer[1]) }

  /// Finds what is not finite in a step's numbers, with its origin. Called by all ranks.
  ///
  /// - Parameters:
  ///   - step: the number of the step, from 1.
  ///   - blocks: the blocks of the folded arena with a value that is not finite.
  ///   - total: the folded record.
  /// - Returns: nil for a healthy step; else why it must be skipped.
  /// - Throws: ``NonFiniteError`` where the policy is to stop, ``SkipLimitError`` where too many
  ///   steps in a row were bad.
  func judge(
    _ batch: StepBatch, step: Int, blocks: [Int], total: ShardRecord
  ) throws -> NonFiniteError? {
    if blocks.isEmpty, total.loss.isFinite, total.weight.isFinite { return nil }
    // Of sanitized shards that count every one is finite: the sum alone can be to blame.
    let overflows = policy.repair != nil && total.weight > 0
    let found = NonFiniteError(
      step: step, tensors: search.tensors(of: blocks),
      origin: overflows ? nil : try search.replay(batch, step: step))
    guard let limit = policy.limit else { throw found }
    let count = skippedInARow + 1
    guard count < limit else { throw SkipLimitError(limit: limit, last: found) }
    return found
  }

  /// Counts a step, as part of it.
  func commit(skipped: Bool, sanitized: Bool) {
    if skipped {
      counters.buffer[0] += 1
      counters.buffer[1] += 1
    } else {
      counters.buffer[1] = 0
    }
    if sanitized { counters.buffer[2] += 1 }
  }
}

/// The policy is to skip bad steps, and too many came one after the other.
package struct SkipLimitError: Error, Equatable, CustomStringConvertible {
  /// The number of steps in a row that ends a run.
  package let limit: Int
  /// What was wrong in the last one.
  package let last: NonFiniteError

  package var description: String {
    "\(last.finding); it is number \(limit) of the bad steps in a row, and nonFinite.limit is "
      + "\(limit): skipping does not help. Go back to a checkpoint from before them with a smaller "
      + "learning rate or a clip, or look at the data"
  }
}
