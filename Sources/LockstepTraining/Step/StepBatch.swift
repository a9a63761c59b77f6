import LockstepDatasets

/// The examples of one step, as every rank knows them: which of them a rank computes follows from
/// the shard numbers alone.
public struct StepBatch: Sendable {
  /// The number of steps completed before this one.
  public let step: Int
  /// The number of epochs completed before this one.
  public let epoch: Int
  /// The examples' numbers in their data set, in the order of the global batch.
  public let examples: ArraySlice<Int>
  /// The number of logical shards L.
  public let shards: Int
  /// The number of micro-batches that each shard is computed in, one after the other.
  public let microBatches: Int

  public init(
    step: Int, epoch: Int, examples: ArraySlice<Int>, shards: Int, microBatches: Int = 1
  ) {
    precondition(shards > 0 && microBatches > 0, "a batch without shards or micro-batches")
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
    for example in examples { add(example) }
    return hash
  }

  /// The positions in the global batch, `0..<examples.count`, that a shard computes.
  ///
  /// Shard s has positions ⌊sB/L⌋ ..< ⌊(s+1)B/L⌋: shards differ by one example at most, and some
  /// have none where a tail batch has fewer examples than there are shards.
  public func positions(ofShard shard: Int) -> Range<Int> {
    Self.part(shard, of: shards, 0..<examples.count)
  }

  /// The positions that a run of shards computes.
  public func positions(ofShards shards: Range<Int>) -> Range<Int> {
    guard let last = shards.last else { return 0..<0 }
    return positions(ofShard: shards.lowerBound).lowerBound..<positions(ofShard: last).upperBound
  }

  /// The positions of one micro-batch of a shard. A shard's leaf of the fold is the sum over its
  /// micro-batches in order, so the tree never sees them.
  public func positions(ofShard shard: Int, microBatch: Int) -> Range<Int> {
    Self.part(microBatch, of: microBatches, positions(ofShard: shard))
  }

  /// The example numbers at positions of the global batch.
  public func examples(at positions: Range<Int>) -> ArraySlice<Int> {
    let start = examples.startIndex
    return examples[start + positions.lowerBound..<start + positions.upperBound]
  }

  private static func part(_ index: Int, of count: Int, _ whole: Range<Int>) -> Range<Int> {
    let part = ShardCut.range(of: index, in: count, count: whole.count)
    return whole.lowerBound + part.lowerBound..<whole.lowerBound + part.upperBound
  }
}
