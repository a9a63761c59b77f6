import LockstepDatasets
import LockstepEngine

/// The examples of one step, as every rank knows them: which of them a rank computes follows from
/// the shard numbers alone.
public struct StepBatch: Sendable {
  /// The number of steps completed before this one.
  public let step: Int
  /// The number of epochs completed before this one.
  public let epoch: Int
  /// The examples' numbers in their data set, in the order of the global batch.
  public let examples: ArraySlice<Int>
  /// The number of logical shards L; the step throws where it is another than its own.
  package let shards: Int
  /// How many of the examples count, those in front; others fill up shards, and add nothing to the gradient.
  package let present: Int
  /// The number of micro-batches that each shard is computed in, one after the other.
  package let microBatches: Int

  /// Makes the batch of a step; `step` and `epoch` are the numbers completed before it.
  public init(
    step: Int, epoch: Int, examples: ArraySlice<Int>, shards: Int, microBatches: Int = 1
  ) {
    self.init(
      step: step, epoch: epoch, examples: examples, present: examples.count, shards: shards,
      microBatches: microBatches)
  }

  /// As the public initialiser, with a number of examples in front that count.
  package init(
    step: Int, epoch: Int, examples: ArraySlice<Int>, present: Int, shards: Int,
    microBatches: Int = 1
  ) {
    self.present = present
    self.step = step
    self.epoch = epoch
    self.examples = examples
    self.shards = shards
    self.microBatches = microBatches
  }

  /// A number that ranks with the same batch have in common: FNV-1a over its values.
  var stamp: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ value: Int) {
      hash = (hash ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01b3
      hash ^= hash >> 32
    }
    add(step)
    add(epoch)
    add(shards)
    add(microBatches)
    add(examples.count)
    if present != examples.count { add(present) }
    for example in examples { add(example) }
    return hash
  }

  /// What is wrong with the batch for a step over a plan; nil where it can be computed.
  ///
  /// - Parameters:
  ///   - completed: the number of steps that were completed.
  ///   - exampleCount: how many examples there are; nil where that is not known.
  package func problem(for plan: FoldPlan, completed: Int, exampleCount: Int?) -> ArgumentError? {
    func wrong(_ argument: String, _ value: Int, _ expected: String) -> ArgumentError {
      ArgumentError("StepBatch", argument, is: value, expected: expected)
    }
    if shards != plan.shards { return wrong("shards", shards, "the step's \(plan.shards)") }
    if microBatches < 1 { return wrong("microBatches", microBatches, "at least 1") }
    if step != completed { return wrong("step", step, "\(completed), the steps completed") }
    if epoch < 0 { return wrong("epoch", epoch, "at least 0") }
    for example in examples where example < 0 || example >= exampleCount ?? .max {
      return wrong(
        "examples", example,
        exampleCount.map { "in 0..<\($0), the examples of the data set" } ?? "at least 0")
    }
    return nil
  }

  /// A batch of as many examples that a plan's ranks walk through alike, whatever is wrong with this
  /// one.
  package func substitute(for plan: FoldPlan, completed: Int) -> StepBatch {
    StepBatch(
      step: completed, epoch: epoch, examples: examples, present: present, shards: plan.shards,
      microBatches: max(microBatches, 1))
  }

  /// The positions in the global batch, `0..<examples.count`, that a shard computes.
  ///
  /// A shard that the batch does not have computes none. Shard s has positions ⌊sB/L⌋ ..< ⌊(s+1)B/L⌋:
  /// shards differ by one example at most, and some have none where a tail batch has fewer examples
  /// than there are shards.
  package func positions(ofShard shard: Int) -> Range<Int> {
    Self.part(shard, of: shards, 0..<examples.count)
  }

  /// The positions that a run of shards computes.
  package func positions(ofShards shards: Range<Int>) -> Range<Int> {
    guard let last = shards.last else { return 0..<0 }
    return positions(ofShard: shards.lowerBound).lowerBound..<positions(ofShard: last).upperBound
  }

  /// The positions of one micro-batch of a shard. A shard's leaf of the fold is the sum over its
  /// micro-batches in order, so the tree never sees them.
  package func positions(ofShard shard: Int, microBatch: Int) -> Range<Int> {
    Self.part(microBatch, of: microBatches, positions(ofShard: shard))
  }

  /// The example numbers at positions of the global batch.
  public func examples(at positions: Range<Int>) -> ArraySlice<Int> {
    let start = examples.startIndex
    let inside = positions.clamped(to: 0..<examples.count)
    return examples[start + inside.lowerBound..<start + inside.upperBound]
  }

  private static func part(_ index: Int, of count: Int, _ whole: Range<Int>) -> Range<Int> {
    guard (0..<max(count, 0)).contains(index) else {
      return whole.lowerBound..<whole.lowerBound
    }
    let part = ShardCut.range(of: index, in: count, count: whole.count)
    return whole.lowerBound + part.lowerBound..<whole.lowerBound + part.upperBound
  }
}
