import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct KernelProbeTests {
  static func source(_ model: SmallModel, threads: Int = 1, seed: UInt64 = 4) throws -> ModelSource
  {
    let source = try ModelSource(
      dataset: try SmallModel.dataset(count: 20), seed: 9, threads: threads, trace: model.trace)
    source.memory.initialize(seed: seed)
    return source
  }

  @Test(arguments: SmallModel.allCases)
  func aProbeDependsOnNothingButTheKernels(model: SmallModel) throws {
    let first = try Self.source(model)
    let before = Weights(of: first).fingerprint()
    let probe = try first.probe(shardSizes: [5, 0, 4])
    #expect(
      probe.map(\.name)
        == [4, 5].flatMap {
          ["the implementations for \($0) examples", "the kernels' results for \($0) examples"]
        })
    #expect(Set(probe.map(\.fingerprint)).count >= 3, "sizes differ in their results at least")
    #expect(Weights(of: first).fingerprint() == before, "weights and statistics are as they were")
    // Other weights and threads, the same hashes; probing twice changes nothing.
    let second = try Self.source(model, threads: 3, seed: 5)
    for source in [first, second] {
      #expect(try source.probe(shardSizes: [4, 5]).map(\.fingerprint) == probe.map(\.fingerprint))
    }
  }
}
