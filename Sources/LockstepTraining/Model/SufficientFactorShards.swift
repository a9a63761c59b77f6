import LockstepEngine
import LockstepFold

// Gradients that are left as their sufficient factors.

extension ModelSource: SufficientFactorSource {
  /// What a batch's gradients can be left as: by one thread a rank, where all shards have one size.
  package func sufficientFactors(of batch: StepBatch, travel: Bool) throws -> SufficientFactors? {
    let (examples, shards) = (batch.examples.count, batch.shards)
    guard crew.size == 1, !isJoint, forms.count == 1, batch.microBatches == 1, examples > 0,
      examples % shards == 0
    else { return nil }
    let plan = try plan(examples / shards)
    guard plan.isShardwise, plan.leavesAreCanonical else { return nil }
    return SufficientFactors(
      plan.program, examples: examples, shards: shards, travel: travel, isa: isa)
  }

  package func leave(_ factors: SufficientFactors?) { deferred = factors }
}
