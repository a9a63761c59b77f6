import LockstepCollective
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Clips that remember, constraints with vectors of their own and averages, where each rank updates
/// the blocks that it owns.
@Suite struct ShardedStateTests {
  private static let chains: [(name: String, chain: Chain)] = [
    ("autoclip", Chain(AutoClip(percentile: 30, window: 2)) + .adamW(learningRate: 0.01)),
    (
      "zclip",
      Chain(ZClip(alpha: 0.5, threshold: 0.01, warmup: 1, maximum: 0.3)) + .sgd(learningRate: 0.05)
    ),
    (
      "scoped, one behind the other",
      Chain(
        ClipByValue(0.2), AutoClip(percentile: 20, scope: ["a", "b"]), ClipByBlockRMS(0.01),
        ClipByGlobalNorm(0.1, norm: .power(3), scope: ["f"])) + .adam(learningRate: 0.05)
    ),
  ]

  private static func run(_ chain: Chain) -> ShardedUpdateTests.Run {
    var run = ShardedUpdateTests.Run(chain: chain)
    run.constraints = [
      .spectralNorm(1), WeightConstraint.ball(2).every(2), .nonNegative,
      .spectralNorm(0.5, iterations: 2), nil, .ball(3),
    ]
    run.average = WeightAverage(decay: 0.5, start: 1)
    run.options.checkpointEverySteps = 2
    return run
  }

  @Test(arguments: chains.indices)
  func sameBitsAsReplicated(index: Int) throws {
    let (name, chain) = Self.chains[index]
    let sharded = Self.run(chain)
    var whole = sharded
    whole.isSharded = false
    let replicated = try whole.run(on: SoloCollective())
    #expect(
      stride(from: 3, to: replicated.reports.count, by: 4).contains {
        replicated.reports[$0] == 1
      })
    for ranks in [1, 2, 3, 5, 8] {
      let results = try group(of: ranks) { try sharded.run(on: $0) }
      for result in results {
        #expect(result.fingerprint == replicated.fingerprint, "\(name) on \(ranks) ranks")
      }
      #expect(results[0].reports == replicated.reports, "\(name) on \(ranks) ranks")
    }
  }

  @Test(arguments: chains.indices)
  func checkpointsGoOnWithOtherRanks(index: Int) throws {
    let (name, chain) = Self.chains[index]
    let run = Self.run(chain)
    var whole = run
    whole.isSharded = false
    let reference = try whole.run(on: SoloCollective())
    for (before, after, isSharded) in [(1, 3, true), (3, 2, true), (5, 1, false)] {
      try withTemporaryDirectory { directory in
        var first = run
        first.isInterrupted = { $0 == 3 }
        let stopping = first
        _ = try group(of: before) { try stopping.run(on: $0, directory) }
        var second = run
        second.isSharded = isSharded
        let going = second
        for result in try group(of: after, { try going.run(on: $0, directory, resume: true) }) {
          #expect(result.fingerprint == reference.fingerprint, "\(name), \(before) → \(after)")
        }
      }
    }
  }
}
