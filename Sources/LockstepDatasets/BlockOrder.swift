import LockstepEngine

/// How examples that lie on a disk are shuffled: blocks of neighbours come in a random order, and the
/// examples of some blocks at a time are mixed.
package struct BlockShuffling: Sendable, Equatable {
  /// The number of neighbours in a block.
  package let block: Int
  /// The number of blocks whose examples are mixed.
  package let buffer: Int

  package init(block: Int, buffer: Int) {
    self.block = block
    self.buffer = buffer
  }
}

/// The order of one epoch under block shuffling: fixed by seed and epoch, computed group by group of
/// blocks, so that it takes no memory beyond a group.
struct BlockOrder {
  let epoch: Int
  private let count: Int
  private let shuffling: BlockShuffling
  private let seed: UInt64
  private let blocks: KeyedPermutation
  private let blockCount: Int
  /// The group in which the last, shorter block comes, and how many examples it lacks.
  private let short: (group: Int, missing: Int)
  private var cached: (group: Int, examples: [Int]) = (-1, [])

  init(count: Int, _ shuffling: BlockShuffling, seed: UInt64, epoch: Int) {
    self.count = count
    self.shuffling = shuffling
    self.seed = seed
    self.epoch = epoch
    blockCount = (count - 1) / shuffling.block + 1
    var generator = CounterGenerator(
      seed: seed, .shuffling, index: UInt32(truncatingIfNeeded: epoch))
    let blocks = KeyedPermutation(count: blockCount, using: &generator)
    self.blocks = blocks
    let last = blockCount - 1
    let place = (0..<blockCount).first { blocks($0) == last } ?? last
    short = (place / shuffling.buffer, blockCount * shuffling.block - count)
  }

  /// Where a group begins.
  private func start(ofGroup group: Int) -> Int {
    group * shuffling.buffer * shuffling.block - (short.group < group ? short.missing : 0)
  }

  /// The examples at some places of the order.
  mutating func examples(at places: Range<Int>) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(places.count)
    var place = places.lowerBound
    while place < places.upperBound {
      var group = place / (shuffling.buffer * shuffling.block)
      if place >= start(ofGroup: group + 1) { group += 1 }
      if cached.group != group { cached = (group, members(of: group)) }
      let first = start(ofGroup: group)
      let end = min(places.upperBound, first + cached.examples.count)
      result += cached.examples[place - first..<end - first]
      place = end
    }
    return result
  }

  /// The examples of a group, mixed.
  private func members(of group: Int) -> [Int] {
    let first = group * shuffling.buffer
    var examples: [Int] = []
    for place in first..<min(first + shuffling.buffer, blockCount) {
      let block = blocks(place) * shuffling.block
      examples += block..<min(block + shuffling.block, count)
    }
    // Each group has a stretch of the epoch's random numbers of its own, behind those of the blocks.
    var generator = CounterGenerator(
      seed: seed, .shuffling, index: UInt32(truncatingIfNeeded: epoch),
      position: UInt64(group + 1) << 32)
    generator.shuffle(&examples)
    return examples
  }
}
