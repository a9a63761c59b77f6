import LockstepEngine
import LockstepFold

// Gradients that are left as their sufficient factors.

extension ModelSource: SufficientFactorSource {
  /// What a batch's gradients can be left as: by one thread a rank, where all shards have one size.
  package func sufficientFactors(of batch: StepBatch, travel: Bool) throws -> SufficientFactors? {
    let (examples, shards) = (batch.examples.count, batch.shards)
    guard crew.size == 1, !isJoint, batch.microBatches == 1, examples > 0, examples % shards == 0
    else { return nil }
    let plan = try plan(examples / shards)
    guard plan.isShardwise, plan.leavesAreCanonical else { return nil }
    return SufficientFactors(
      plan.program, examples: examples, shards: shards, travel: travel, isa: isa)
  }

  package func leave(_ factors: SufficientFactors?) { deferred = factors }

  package func loadInput(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard name == Objective.Input.examples else {
      throw GraphError("no examples have '\(name)' of their own")
    }
    try lanes[0].track.span(.input, 0) {
      try loader.load(
        batch.examples(at: positions), epoch: batch.epoch, into: rows,
        scratch: augmentation == nil
          ? nil : lanes[0].inputScratch.buffer(count: dataset.inputSize))
    }
  }
}
