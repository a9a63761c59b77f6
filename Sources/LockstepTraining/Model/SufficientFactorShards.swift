import LockstepEngine
import LockstepFold

// Gradients that are left as their sufficient factors.

extension ModelSource: SufficientFactorSource {
  /// What a batch's gradients can be left as: by one thread a rank, where all shards have one size.
  package func sufficientFactors(of batch: StepBatch, travel: Bool) throws -> SufficientFactors? {
    let (examples, shards) = (batch.examples.count, batch.shards)
    guard crew.size == 1, !isJoint, model.forms.count == 1, batch.microBatches == 1, examples > 0,
      !model.computesExamplesAlone, stepsBeforeMoving.isEmpty,
      examples % shards == 0
    else { return nil }
    let plan = try plans.plan(examples / shards)
    guard plan.isShardwise, plan.leavesAreCanonical else { return nil }
    return SufficientFactors(
      plan.program, examples: examples, shards: shards, travel: travel, isa: model.isa)
  }

  package func leave(_ factors: SufficientFactors?) { plans.deferred = factors }

  package func loadInput(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>
  ) throws {
    try inputs.load(name, of: batch, positions, into: rows, lanes[0])
  }
}
