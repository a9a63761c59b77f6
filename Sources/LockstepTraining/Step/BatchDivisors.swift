import LockstepEngine
import LockstepFold

/// What the folded sums of a batch are divided by: once, and by the weight of the whole batch.
struct StepDivisors {
  /// Of gradients.
  let gradient: Float
  /// Of statistics.
  let statistics: Float

  /// - Parameters:
  ///   - total: the folded record.
  ///   - gradient: the divisor of gradients, where it is another than the weight.
  init(_ total: ShardRecord, gradient: Float? = nil) {
    self.init(weight: total.weight, examples: total.examples, gradient: gradient)
  }

  init(weight: Double, examples: Double, gradient: Float? = nil) {
    self.gradient = gradient ?? Float(weight)
    statistics = Float(max(examples, 1))
  }
}

/// The divisors of batches whose weight follows from their numbers of examples, before they are computed.
final class BatchDivisors {
  private let plan: FoldPlan
  private let source: any GradientSource
  /// The divisor of gradients, where it is another than the weight.
  private let gradient: Float?
  /// Those of batches of a size.
  private var known: [Int: StepDivisors] = [:]

  init(_ plan: FoldPlan, _ source: any GradientSource, gradient: Float? = nil) {
    self.plan = plan
    self.gradient = gradient
    self.source = source
  }

  /// The very numbers that the folded records will give; nil where the source knows no weights.
  func divisors(of batch: StepBatch) -> StepDivisors? {
    guard batch.microBatches == 1 else { return nil }
    if let known = known[batch.examples.count] { return known }
    let tree = Arena<Double>(count: plan.shards)
    for shard in 0..<plan.shards {
      let count = batch.positions(ofShard: shard).count
      guard let weight = source.weight(ofExamples: count) else { return nil }
      tree.buffer[shard] = weight
    }
    TreeOrder(leaves: plan.shards).fold(tree.buffer, width: 1)
    guard tree.buffer[0] > 0 || gradient != nil else { return nil }
    let found = StepDivisors(
      weight: tree.buffer[0], examples: Double(batch.examples.count), gradient: gradient)
    known[batch.examples.count] = found
    return found
  }
}
