import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct FoldExecutorTests {
  static let layout = FlatLayout([
    ("a.weight", [7, 13]), ("a.bias", [7]), ("wide", [3, 4999]), ("scalar", []), ("b", [33, 64]),
    ("statistics", [10]),
  ])

  /// A shard's leaf: values in the slots, zeros in the padding.
  static func leaf(_ shard: Int, into buffer: UnsafeMutableBufferPointer<Float>) {
    buffer.update(repeating: 0)
    for (index, slot) in layout.slots.enumerated() {
      let values = roughValues(slot.count, seed: UInt64(1000 * shard + index))
      for (offset, value) in values.enumerated() { buffer[slot.offset + offset] = value }
    }
  }

  /// The tree's definition: a node is left + right.
  static func recursion(_ shards: Range<Int>) -> [Float] {
    if shards.count == 1 {
      let arena = Arena<Float>(count: layout.count)
      withExtendedLifetime(arena) { leaf(shards.lowerBound, into: arena.buffer) }
      return arena.values
    }
    let middle = shards.lowerBound + shards.count / 2
    return zip(recursion(shards.lowerBound..<middle), recursion(middle..<shards.upperBound))
      .map { $0 + $1 }
  }

  static func fold(shards: Int, on group: any Collective) throws -> (values: [Float], visits: [Int])
  {
    let plan = try FoldPlan(
      shards: shards, ranks: group.size, layout: layout, gradientSlotCount: 5)
    let exchange = try group.makeExchange(plan)
    let accumulator = ShardAccumulator(plan, rank: group.rank)
    // Twice, so that leftovers of a first step would show in the second.
    var visits: [Int] = []
    for _ in 0..<2 {
      try accumulator.accumulate(into: exchange.partials, leaf)
      visits = []
      try exchange.combine { visits.append($0) }
      try exchange.gather()
    }
    try group.barrier()
    return (exchange.foldedValues, visits)
  }

  /// Shards that come added up already are subtrees like any other.
  @Test(arguments: [1, 2, 3, 4, 5, 7, 8])
  func groupsOfShardsGiveTheRecursionsBits(ranks: Int) throws {
    let expected = bits(Self.recursion(0..<16))
    let results = try group(of: ranks) { group -> [[UInt32]] in
      let plan = try FoldPlan(
        shards: 16, ranks: group.size, layout: Self.layout, gradientSlotCount: 5)
      let exchange = try group.makeExchange(plan)
      let accumulator = ShardAccumulator(plan, rank: group.rank)
      var found: [[UInt32]] = []
      // All ranks fold as often.
      for width in [1, 2, 4, 8, 16] {
        accumulator.accumulate(
          into: exchange.partials, adding: nil, width: min(width, accumulator.widestGroup)
        ) { shards, leaf, _ in
          for (index, value) in Self.recursion(shards).enumerated() { leaf[index] = value }
        }
        try exchange.combine { _ in }
        try exchange.gather()
        found.append(bits(exchange.foldedValues))
      }
      try group.barrier()
      return found
    }
    #expect(results.joined().allSatisfy { $0 == expected })
  }

  @Test(arguments: [1, 2, 4, 8, 16, 64])
  func anyNumberOfRanksGivesTheRecursionsBits(shards: Int) throws {
    let expected = bits(Self.recursion(0..<shards))
    for ranks in 1...min(shards, 8) {
      let results = try group(of: ranks) { try Self.fold(shards: shards, on: $0) }
      for result in results {
        #expect(bits(result.values) == expected, "\(shards) shards on \(ranks) ranks")
      }
      let blocks = Self.layout.blocks().count
      #expect(results.flatMap(\.visits) == Array(0..<blocks), "each block is visited once")
    }
  }

  @Test func theOrderOfAdditionsShowsInTheBits() {
    // Without this the law above could hold by luck.
    let tree = Self.recursion(0..<8)
    let running = (1..<8).reduce(Self.recursion(0..<1)) { sum, shard in
      zip(sum, Self.recursion(shard..<shard + 1)).map { $0 + $1 }
    }
    #expect(bits(tree) != bits(running))
  }

  @Test func visitsChangeTheFoldedArenaOnEveryRank() throws {
    let plain = bits(Self.recursion(0..<4).map { $0 / 3 })
    for ranks in 1...4 {
      let results = try group(of: ranks) { group in
        let plan = try FoldPlan(shards: 4, ranks: group.size, layout: Self.layout)
        let exchange = try group.makeExchange(plan)
        try ShardAccumulator(plan, rank: group.rank).accumulate(into: exchange.partials, Self.leaf)
        try exchange.combine { index in
          for i in plan.blocks[index].range { exchange.folded[i] /= 3 }
        }
        try exchange.gather()
        return exchange.foldedValues
      }
      for result in results { #expect(bits(result) == plain) }
    }
  }

  @Test func slicesOfPartialsAreReadAtTheirOrigin() throws {
    let plan = try FoldPlan(shards: 4, ranks: 3, layout: Self.layout)
    let expected = Self.recursion(0..<4)
    var arenas: [Arena<Float>] = []
    for rank in 0..<3 {
      let mine = plan.subtrees[rank].map { _ in Arena<Float>(count: Self.layout.count) }
      try ShardAccumulator(plan, rank: rank).accumulate(into: mine.map(\.buffer), Self.leaf)
      arenas += mine
    }
    defer { withExtendedLifetime(arenas) {} }
    let executor = FoldExecutor(plan)
    let folded = Arena<Float>(count: Self.layout.count)
    for rank in 0..<3 {
      let slice = plan.slices[rank]
      let operands = arenas.map {
        FoldOperand(base: UnsafePointer($0.base + slice.lowerBound), origin: slice.lowerBound)
      }
      for block in plan.blockSlices[rank] {
        try executor.combine(plan.blocks[block], of: operands, into: folded.base)
      }
    }
    #expect(bits(folded.values) == bits(expected))
  }
}
