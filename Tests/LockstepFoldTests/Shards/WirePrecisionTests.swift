import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Sums that are rounded to bf16 by the tree.
@Suite struct WirePrecisionTests {
  private static let layout = FoldExecutorTests.layout
  private static let shards = 16
  private static var gradientCount: Int { layout.slots[5].offset }

  private static func rounded(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
  }

  /// The definition: a node of 2^level shards or more, other than the root, is rounded; statistics
  /// never are.
  private static func recursion(_ run: Range<Int>, level: Int) -> [Float] {
    var sum: [Float]
    if run.count == 1 {
      sum = FoldExecutorTests.recursion(run)
    } else {
      let middle = run.lowerBound + run.count / 2
      sum = zip(
        recursion(run.lowerBound..<middle, level: level),
        recursion(middle..<run.upperBound, level: level)
      ).map { $0 + $1 }
    }
    if run.count >= 1 << level, run.count < shards {
      for index in 0..<gradientCount { sum[index] = rounded(sum[index]) }
    }
    return sum
  }

  private static func fold(_ wire: WirePrecision, on group: any Collective) throws -> [Float] {
    let plan = try FoldPlan(
      shards: shards, ranks: group.size, layout: layout, gradientSlotCount: 5, wire: wire)
    let exchange = try group.makeExchange(plan)
    let accumulator = ShardAccumulator(plan, rank: group.rank)
    try accumulator.accumulate(into: exchange.partials, FoldExecutorTests.leaf)
    try exchange.combine { _ in }
    try exchange.gather()
    let values = exchange.foldedValues
    try group.barrier()
    return values
  }

  @Test(arguments: 0...3)
  func anyNumberOfRanksGivesTheRecursionsBits(level: Int) throws {
    let expected = Self.recursion(0..<Self.shards, level: level)
    #expect(bits(expected) != bits(FoldExecutorTests.recursion(0..<Self.shards)))
    for ranks in [1, 2, 3, 5, 8] {
      let results = try group(of: ranks) { try Self.fold(.bfloat16(level: level), on: $0) }
      for result in results {
        #expect(bits(result) == bits(expected), "level \(level) on \(ranks) ranks")
      }
    }
  }

  /// Each rounding moves a sum by 2^-8 of itself at most, and a sum is no larger than the sum of its
  /// leaves' magnitudes: as many roundings as there are levels, and a hundredth for what the error
  /// adds to the sums and for the Float32 additions. Fewer levels give a smaller error. Statistics
  /// have no error at all.
  @Test func errorsAreBoundedAndShrinkWithTheLevel() throws {
    let exact = FoldExecutorTests.recursion(0..<Self.shards)
    var sizes = [Float](repeating: 0, count: Self.layout.count)
    for shard in 0..<Self.shards {
      let leaf = FoldExecutorTests.recursion(shard..<shard + 1)
      for index in leaf.indices { sizes[index] += leaf[index].magnitude }
    }
    var errors: [Float] = []
    for level in 0...3 {
      let values = try Self.fold(.bfloat16(level: level), on: SoloCollective())
      let bound = Float(4 - level) * 0x1p-8 * 1.01
      var total: Float = 0
      var tooLarge = 0
      for index in 0..<Self.gradientCount {
        let error = abs(values[index] - exact[index])
        if error > bound * sizes[index] { tooLarge += 1 }
        total += error
      }
      #expect(tooLarge == 0)
      errors.append(total)
      #expect(bits(values[Self.gradientCount...]) == bits(exact[Self.gradientCount...]))
    }
    #expect(errors.last! > 0)
    #expect(zip(errors, errors.dropFirst()).allSatisfy(>), "\(errors)")
  }

  @Test func levelsWithoutASumThatTravelsAreRefused() {
    func plan(_ shards: Int, _ level: Int) throws -> FoldPlan {
      try FoldPlan(
        shards: shards, ranks: 1, layout: Self.layout, wire: .bfloat16(level: level))
    }
    #expect(throws: FoldPlanError.wireLevel(0, shards: 1)) { try plan(1, 0) }
    #expect(throws: FoldPlanError.wireLevel(3, shards: 8)) { try plan(8, 3) }
    #expect(throws: FoldPlanError.wireLevel(-1, shards: 8)) { try plan(8, -1) }
    #expect(throws: Never.self) { try plan(8, 2) }
  }
}
