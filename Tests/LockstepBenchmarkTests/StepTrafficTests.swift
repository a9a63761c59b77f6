import LockstepFold
import LockstepBenchmark
import LockstepEngine
import LockstepTraining
import Testing

/// What must move is what the tree and the update say, however many ranks share it.
@Suite struct StepTrafficTests {
  private let layout = FlatLayout([("a", [300, 100]), ("b", [100]), ("c", [70, 1000])])

  private func traffic(shards: Int, ranks: Int, isSharded: Bool = true) throws -> [StepTraffic] {
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: layout)
    return (0..<ranks).map { StepTraffic(plan, rank: $0, isSharded: isSharded) }
  }

  @Test(arguments: [1, 2, 3, 4, 7, 8]) func everyAdditionOfTheTreeHappensOnce(ranks: Int) throws {
    let added = try traffic(shards: 8, ranks: ranks).reduce(0) { $0 + $1.added }
    #expect(added == 7 * layout.count)
  }

  @Test(arguments: [1, 2, 3, 4]) func aShardedUpdateUpdatesEverythingOnce(ranks: Int) throws {
    let all = try traffic(shards: 4, ranks: ranks)
    #expect(all.reduce(0) { $0 + $1.updated } == layout.count)
    #expect(all.allSatisfy { $0.copied == 0 })
  }

  @Test(arguments: [2, 3, 4]) func aReplicatedUpdateMovesMore(ranks: Int) throws {
    let replicated = try traffic(shards: 4, ranks: ranks, isSharded: false)
    #expect(replicated.allSatisfy { $0.updated == layout.count })
    #expect(
      replicated.reduce(0) { $0 + $1.copied } == (ranks - 1) * layout.count)
    for (more, less) in zip(replicated, try traffic(shards: 4, ranks: ranks)) {
      #expect(more.bytes > less.bytes)
    }
  }

  /// 32 bytes a parameter, as `lockstep benchmark update` has it, where nothing is to be added.
  @Test func aSingleShardIsReadForItsNormAndUpdated() throws {
    let all = try traffic(shards: 1, ranks: 1)
    #expect(all.map(\.bytes) == [32 * layout.count])
  }
}
