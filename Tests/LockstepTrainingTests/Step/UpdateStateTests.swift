import LockstepCollective
import LockstepState
import LockstepFold
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Clips that remember, constraints with vectors of their own, averages and reductions on plateaus,
/// in steps over ranks.
@Suite struct UpdateStateTests {
  private static let chains: [(name: String, chain: Chain)] = [
    ("autoclip", Chain(AutoClip(percentile: 30, window: 3)) + .adamW(learningRate: 0.01)),
    ("zclip", Chain(ZClip(alpha: 0.5, threshold: 0.1, warmup: 1)) + .sgd(learningRate: 0.001)),
    ("block RMS", Chain(ClipByBlockRMS(0.05)) + .sgd(learningRate: 0.05)),
    (
      "scoped, one behind the other",
      Chain(
        ClipByValue(0.2), AutoClip(percentile: 20, scope: ["weight"]),
        ClipByGlobalNorm(0.1, norm: .power(3), scope: ["bias"])) + .sgd(learningRate: 0.05)
    ),
    (
      "plateau",
      Chain(ClipByGlobalNorm(0.3))
        + .sgd(
          learningRate: .warmup(
            steps: 2, start: 0.5,
            then: .reduceOnPlateau(ReduceOnPlateau(factor: 0.5, patience: 0), of: 0.05)))
    ),
  ]

  private static let constraints: [[WeightConstraint?]] = [
    [.spectralNorm(0.2), .ball(0.1).every(2)], [.ball(0.25), .valueBox(-0.02, 0.02)],
    [.maxNorm(0.1, axes: .axes([0])), nil],
  ]

  /// Trains six steps, of which the fifth is a spike. A sick run tries its fourth with a shard that
  /// is not finite before.
  private static func train(
    _ chain: Chain, _ constraints: [WeightConstraint?], on group: any Collective,
    restartAfter restart: Int? = nil, isSick: Bool = false
  ) throws -> (fingerprint: String, reports: [StepReport]) {
    func make() throws -> (LinearRegression, TrainingStep, StateRegistry, UpdateRule) {
      let source = LinearRegression()
      let rule = try UpdateRule(
        layout: regressionParameters, chain: chain, constraints: constraints,
        groups: [ParameterGroup("bias", learningRate: 0.5)],
        average: WeightAverage(decay: 0.75, warmsUp: true, start: 1))
      let step = try TrainingStep(source: source, update: rule, shards: 8, on: group)
      let registry = StateRegistry()
      try registry.add(source.stateEntries, of: source)
      try registry.add(step.update.stateEntries, of: step.update)
      try registry.add(step.stateEntries, of: step)
      return (source, step, registry, rule)
    }
    var (source, step, registry, rule) = try make()
    var reports: [StepReport] = []
    for index in 0..<6 {
      if index == restart {
        let saved = registry.tensors.map { Array($0.bytes) }
        let old = registry
        (source, step, registry, rule) = try make()
        for (tensor, bytes) in zip(registry.tensors, saved) { tensor.bytes.copyBytes(from: bytes) }
        withExtendedLifetime(old) {}
      }
      if isSick, index == 3 {
        let before = registry.fingerprint()
        source.tamper = { if $0.shard == 5 { $0.values[2] = .nan } }
        #expect(throws: NonFiniteError.self) {
          try step.run(TrainingStepTests.batch(index, .init()))
        }
        #expect(registry.fingerprint() == before)
      }
      let scale: Float = index == 4 ? 16 : 1
      source.tamper = { leaf in for i in leaf.values.indices { leaf.values[i] *= scale } }
      reports.append(try step.run(TrainingStepTests.batch(index, .init())))
      rule.report(metric: reports[index].loss + (index % 2 == 0 ? 0 : 1e6))
    }
    return (registry.fingerprint().description, reports)
  }

  @Test(arguments: chains.indices, constraints)
  func sameBitsOnAnyNumberOfRanks(index: Int, constraints: [WeightConstraint?]) throws {
    let (name, chain) = Self.chains[index]
    let alone = try Self.train(chain, constraints, on: SoloCollective())
    let unconstrained = try Self.train(chain, [nil, nil], on: SoloCollective())
    #expect(alone.reports[4].update.clipped, "\(name)")
    #expect(alone.fingerprint != unconstrained.fingerprint, "\(name)")
    for ranks in [2, 3, 5, 8] {
      for other in try group(of: ranks, { try Self.train(chain, constraints, on: $0) }) {
        #expect(other.fingerprint == alone.fingerprint, "\(name) on \(ranks) ranks")
        #expect(other.reports == alone.reports, "\(name) on \(ranks) ranks")
      }
    }
  }

  @Test(arguments: chains.indices, constraints)
  func goesOnFromItsState(index: Int, constraints: [WeightConstraint?]) throws {
    let (name, chain) = Self.chains[index]
    let whole = try Self.train(chain, constraints, on: SoloCollective())
    for restart in [1, 4] {
      let parts = try Self.train(chain, constraints, on: SoloCollective(), restartAfter: restart)
      #expect(parts.fingerprint == whole.fingerprint, "\(name), restarted after \(restart)")
      #expect(parts.reports == whole.reports, "\(name), restarted after \(restart)")
    }
  }

  /// A step that ends in a gradient that is not finite leaves histories, vectors and averages alone.
  @Test(arguments: chains.indices, constraints)
  func aSickStepLeavesNoTrace(index: Int, constraints: [WeightConstraint?]) throws {
    let (name, chain) = Self.chains[index]
    let healthy = try Self.train(chain, constraints, on: SoloCollective())
    for ranks in [1, 3] {
      for sick in try group(of: ranks, { try Self.train(chain, constraints, on: $0, isSick: true) })
      {
        #expect(sick.fingerprint == healthy.fingerprint, "\(name) on \(ranks) ranks")
        #expect(sick.reports == healthy.reports, "\(name) on \(ranks) ranks")
      }
    }
  }
}
