import LockstepFold
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Every (L, P) with L a power of two up to 64 and P ≤ min(L, 8).
let foldSizes: [(shards: Int, ranks: Int)] = [1, 2, 4, 8, 16, 64].flatMap { shards in
  (1...min(shards, 8)).map { (shards, $0) }
}

@Suite struct FoldPlanTests {
  static let layout = FlatLayout([
    ("a.weight", [7, 13]), ("a.bias", [7]), ("wide", [3, 5001]), ("scalar", []), ("b", [129, 64]),
    ("statistics", [10]),
  ])

  @Test(arguments: foldSizes)
  func everythingTiles(shards: Int, ranks: Int) throws {
    let plan = try FoldPlan(
      shards: shards, ranks: ranks, layout: Self.layout, gradientSlotCount: 5)
    #expect(plan.shardRuns.flatMap(Array.init) == Array(0..<shards))
    #expect(plan.blockSlices.flatMap(Array.init) == Array(0..<plan.blocks.count))
    #expect(plan.slices.flatMap(Array.init) == Array(0..<Self.layout.count))
    #expect(plan.shardRuns.map(\.count).max()! - plan.shardRuns.map(\.count).min()! <= 1)
    for rank in 0..<ranks {
      #expect(plan.subtrees[rank].flatMap { Array($0.shards) } == Array(plan.shardRuns[rank]))
      for block in plan.blockSlices[rank] {
        let values = plan.blocks[block].range
        #expect(plan.slices[rank].clamped(to: values) == values)
      }
    }
    #expect(plan.blocks[..<plan.gradientBlockCount].allSatisfy { $0.slot < 5 })
    #expect(plan.blocks[plan.gradientBlockCount...].allSatisfy { $0.slot == 5 })
  }

  @Test(arguments: foldSizes)
  func subtreesAreMaximal(shards: Int, ranks: Int) throws {
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: Self.layout)
    for rank in 0..<ranks {
      for node in plan.subtrees[rank] where 1 << node.level < shards {
        let parent = FoldPlan.Subtree(level: node.level + 1, index: node.index / 2)
        #expect(plan.shardRuns[rank].clamped(to: parent.shards) != parent.shards)
      }
    }
  }

  @Test(arguments: foldSizes)
  func everyAdditionHappensOnce(shards: Int, ranks: Int) throws {
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: Self.layout)
    // Inside the partials there are 2^level − 1 additions each; the program makes the others.
    let inside = plan.subtrees.joined().reduce(0) { $0 + (1 << $1.level) - 1 }
    #expect(inside + plan.program.additions.count == shards - 1)
    #expect(plan.partialCount == plan.subtrees.joined().count)
    // Each partial is read once, each intermediate value is written and then read once.
    var live: Set<Int> = []
    var read: [Int] = []
    for addition in plan.program.additions {
      for operand in [addition.left, addition.right] {
        switch operand {
        case .partial(let partial): read.append(partial)
        case .register(let register): #expect(live.remove(register) != nil)
        }
      }
      #expect(live.insert(addition.register).inserted)
      #expect(addition.register <= plan.program.scratchCount)
    }
    if plan.partialCount > 1 {
      #expect(read.sorted() == Array(0..<plan.partialCount))
      #expect(live == [0])
    }
    #expect(plan.program.scratchCount < max(shards.trailingZeroBitCount, 1))
  }

  @Test func slicesAreBalanced() throws {
    let layout = FlatLayout([("weight", [1000, 1000]), ("bias", [1000])])
    for ranks in 1...8 {
      let plan = try FoldPlan(shards: 8, ranks: ranks, layout: layout)
      let share = Double(layout.count) / Double(ranks)
      for slice in plan.slices {
        #expect(abs(Double(slice.count) - share) <= Double(FlatLayout.blockSize))
      }
    }
  }

  @Test func moreRanksThanBlocksLeavesEmptySlices() throws {
    let plan = try FoldPlan(shards: 8, ranks: 8, layout: FlatLayout([("w", [3]), ("b", [1])]))
    #expect(plan.slices.flatMap(Array.init) == Array(0..<32))
    #expect(plan.blockSlices.filter { !$0.isEmpty }.count == 2)
    let empty = try FoldPlan(shards: 2, ranks: 2, layout: FlatLayout([]))
    #expect(empty.slices == [0..<0, 0..<0])
  }

  @Test func loadBoundIsBusiestOverAverage() throws {
    func bound(_ shards: Int, _ ranks: Int) throws -> Double {
      try FoldPlan(shards: shards, ranks: ranks, layout: Self.layout).loadBound
    }
    #expect(try bound(8, 4) == 1)
    #expect(try bound(8, 3) == 9.0 / 8)
    #expect(try bound(8, 5) == 10.0 / 8)
  }

  @Test func defaultShardsDependOnTheBatchAlone() {
    let expected = [
      1: 1, 31: 1, 32: 1, 63: 1, 64: 2, 127: 2, 128: 4, 200: 4, 256: 8, 2047: 32, 2048: 64,
      100_000: 64,
    ]
    for (batch, shards) in expected {
      #expect(FoldPlan.defaultShards(batchSize: batch) == shards, "batch \(batch)")
    }
  }

  @Test func badCountsAreRefusedWithTheRemedy() {
    func refusal(shards: Int, ranks: Int, gradients: Int? = nil) -> String {
      do {
        _ = try FoldPlan(
          shards: shards, ranks: ranks, layout: Self.layout, gradientSlotCount: gradients)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(refusal(shards: 6, ranks: 2).contains("power of two"))
    #expect(refusal(shards: 0, ranks: 1).contains("power of two"))
    #expect(refusal(shards: 4, ranks: 5).contains("at most 4 ranks, or set shards to 8"))
    #expect(refusal(shards: 4, ranks: 0).contains("at least one"))
    #expect(refusal(shards: 4, ranks: 1, gradients: 7).contains("7 gradient slots"))
  }
}
