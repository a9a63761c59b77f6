internal import CLockstepKernels
import LockstepEngine
import LockstepFold

// Examples' gradients made one by one, for models whose norms cannot be had more cheaply.

extension TracedModel {
  /// The batch whose shards are computed example by example, where that is how examples' gradients are limited.
  func cut(_ batch: StepBatch) -> StepBatch {
    computesExamplesAlone ? cutIntoExamples(batch) : batch
  }

  /// The batch whose shards are computed example by example.
  func cutIntoExamples(_ batch: StepBatch) -> StepBatch {
    StepBatch(
      step: batch.step, epoch: batch.epoch, examples: batch.examples, present: batch.present,
      shards: batch.shards,
      microBatches: max((batch.examples.count + batch.shards - 1) / batch.shards, 1))
  }

  /// Limits the gradient of a leaf that is one example's alone. The statistics behind it stay as they are.
  ///
  /// - Parameter counts: whether the example counts.
  func limit(
    _ leaf: UnsafeMutableBufferPointer<Float>, of lane: Lane, counts: Bool, _ record: ShardRecord
  ) {
    guard computesExamplesAlone, let exampleNorms, let base = leaf.baseAddress else { return }
    let gradient = UnsafeMutableBufferPointer(rebasing: leaf[..<gradientSize])
    guard counts else { return gradient.update(repeating: 0) }
    let weight = numbers.weight(of: lane, examples: 1)
    // What weighs nothing has no gradient.
    guard weight != 0 else { return exampleNorms.note(norm: 0, in: record) }
    let squares = isa.arenaKernels.pointee.sum_of_squares(base, gradient.count)
    let norm = squares.squareRoot() / weight
    exampleNorms.note(norm: norm, in: record)
    let coefficient = exampleNorms.clip.coefficient(ofNorm: norm)
    if coefficient != 1 { for index in gradient.indices { gradient[index] *= coefficient } }
  }
}
