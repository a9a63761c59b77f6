import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// When ranks of several nodes rather update everything themselves.
@Suite struct UpdateSharingTests {
  /// 1.9 million values and a batch of 128, as the perceptron of the benchmarks, on nodes of one rank.
  private static func conditions(
    bandwidth: Double = 120e6, nodes: Int = 2, ranksPerNode: Int = 1, operations: Double = 0.47e9
  ) -> UpdateSharing.Conditions {
    UpdateSharing.Conditions(
      values: 1_863_690, productOperations: operations, ranks: nodes * ranksPerNode, nodes: nodes,
      ranksPerNode: ranksPerNode, link: NetworkLink(latency: 30e-6, bandwidth: bandwidth))
  }

  @Test func fasterLinksAndMoreWorkSpeakForSharding() {
    #expect(!Self.conditions().suggestsSharded)
    var wasSharded = false
    for bandwidth in [1e7, 1e8, 1e9, 1e10, 1e11] {
      let isSharded = Self.conditions(bandwidth: bandwidth).suggestsSharded
      #expect(isSharded || !wasSharded)
      wasSharded = isSharded
    }
    #expect(wasSharded)
    #expect(Self.conditions(operations: 100e9).suggestsSharded)
    // Where gradients travel there is nothing to win.
    #expect(Self.conditions(bandwidth: 1e6, operations: 0).suggestsSharded)
  }

  /// A group of ranks on two nodes, of which the last one is reached by a link.
  private final class TwoNodes: ExchangeMaking {
    let alone = SoloCollective()
    let rank = 0
    let size = 1
    let nodes = [0..<1, 1..<2]
    private(set) var measured = 0

    func linkBetweenNodes() -> NetworkLink? {
      measured += 1
      return NetworkLink(latency: 1e-5, bandwidth: 1e6)
    }
    func barrier() {}
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {}
    func allgather(
      _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
    ) throws { try alone.allgather(bytes, counts: counts, into: result) }
    func makeExchange(
      for plan: FoldPlan, of source: (any GradientSource)?
    ) throws -> any GradientExchange {
      try alone.makeExchange(plan)
    }
    func makeSharedArena(count: Int, otherwise consequence: String) -> SharedArena? { nil }
  }

  private func isSharded(
    _ sharing: UpdateSharing, _ model: SmallModel = .deep, batch: Int = 16,
    nonFinite: NonFinitePolicy = .stop, microBatches: Int = 1, wire: WirePrecision = .float32,
    threads: Int = 1, on group: any Collective
  ) throws -> Bool {
    let source = try ModelSource(
      dataset: SmallModel.dataset(count: 101), seed: 9, threads: threads, trace: model.trace)
    let plan = try FoldPlan(
      shards: 8, ranks: 2, layout: source.layout, gradientSlotCount: source.gradientSlotCount,
      wire: wire)
    return try sharing.isSharded(
      source, plan, nonFinite: nonFinite, batchSize: batch, microBatches: microBatches, on: group)
  }

  @Test func whatWasAskedForIsDone() throws {
    #expect(try isSharded(.sharded, on: TwoNodes()))
    #expect(try !isSharded(.replicated, on: SoloCollective()))
    #expect(try isSharded(.automatic, on: SoloCollective()))
  }

  @Test func onlyWhereFactorsTravelEveryNodeUpdatesAll() throws {
    let group = TwoNodes()
    let multiplies = InstructionSet.detected.multipliesAndAddsAtOnce
    #expect(try isSharded(.automatic, on: group) == !multiplies)
    #expect(group.measured == (multiplies ? 1 : 0))
    #expect(try isSharded(.automatic, .convolutional, on: group))
    #expect(try isSharded(.automatic, batch: 48, on: group))
    #expect(try isSharded(.automatic, nonFinite: .sanitize(), on: group))
    #expect(try isSharded(.automatic, microBatches: 2, on: group))
    #expect(try isSharded(.automatic, wire: .bfloat16(level: 0), on: group))
    #expect(try isSharded(.automatic, threads: 2, on: group))
    // Nobody measures a link that does not matter.
    #expect(group.measured == (multiplies ? 1 : 0))
  }
}
