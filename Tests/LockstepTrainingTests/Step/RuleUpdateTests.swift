import LockstepCollective
import LockstepState
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct RuleUpdateTests {
  /// Trains with a chain and max-norm; saves all state after `save` steps and goes on from a fresh
  /// start with it.
  static func train(
    _ chain: Chain, on group: any Collective, restartAfter restart: Int? = nil
  ) throws -> (fingerprint: String, weights: Fingerprint, sharesAll: Bool, reports: [StepReport]) {
    func make() throws -> (TrainingStep, StateRegistry) {
      let source = LinearRegression()
      let rule = try UpdateRule(
        layout: regressionParameters, chain: chain, constraints: [.maxNorm(0.1), nil])
      let step = try TrainingStep(
        source: source, update: rule, shards: 8, on: group)
      let registry = StateRegistry()
      try registry.add(source.stateEntries, of: source)
      try registry.add(step.update.stateEntries, of: step.update)
      try registry.add(step.stateEntries, of: step)
      return (step, registry)
    }
    var (step, registry) = try make()
    var reports: [StepReport] = []
    for index in 0..<6 {
      if index == restart {
        let saved = registry.tensors.map { Array($0.bytes) }
        let old = registry
        (step, registry) = try make()
        for (tensor, bytes) in zip(registry.tensors, saved) { tensor.bytes.copyBytes(from: bytes) }
        withExtendedLifetime(old) {}
      }
      reports.append(try step.run(TrainingStepTests.batch(index, .init())))
    }
    return (
      registry.fingerprint().description, Weights(of: step.source).fingerprint(),
      !registry.hasSingles, reports
    )
  }

  @Test(arguments: RuleCases.all.indices)
  func everyRuleGivesTheSameBitsOnAnyNumberOfRanks(index: Int) throws {
    let (name, chain) = RuleCases.all[index]
    let alone = try Self.train(chain, on: SoloCollective())
    if name != "sgd" { #expect(alone.reports.contains { $0.update.clipped }, "\(name)") }
    for ranks in [2, 3, 5, 8] {
      for other in try group(of: ranks, { try Self.train(chain, on: $0) }) {
        #expect(other.weights == alone.weights, "\(name) on \(ranks) ranks")
        // A rank has no other state of whole matrices than that of its own.
        if other.sharesAll {
          #expect(other.fingerprint == alone.fingerprint, "\(name) on \(ranks) ranks")
        }
        #expect(other.reports == alone.reports, "\(name) on \(ranks) ranks")
      }
    }
  }

  @Test(arguments: RuleCases.all.indices)
  func everyRuleGoesOnFromItsState(index: Int) throws {
    let (name, chain) = RuleCases.all[index]
    let whole = try Self.train(chain, on: SoloCollective())
    for restart in [1, 4] {
      let parts = try Self.train(chain, on: SoloCollective(), restartAfter: restart)
      #expect(parts.fingerprint == whole.fingerprint, "\(name), restarted after \(restart)")
      #expect(parts.reports == whole.reports, "\(name), restarted after \(restart)")
    }
  }

  @Test func theConstraintBinds() throws {
    let rule = try UpdateRule(
      layout: regressionParameters, chain: .sgd(learningRate: 0.05),
      constraints: [.maxNorm(0.1), nil])
    let source = LinearRegression()
    let step = try TrainingStep(
      source: source, update: rule, shards: 8, on: SoloCollective())
    _ = try step.run(TrainingStepTests.batch(0, .init()))
    let weights = source.parameterValues
    let norms = (0..<LinearRegression.outputs).map { unit in
      (0..<LinearRegression.inputs).reduce(0) { sum, i in
        let w = weights[unit * LinearRegression.inputs + i]
        return sum + Double(w) * Double(w)
      }.squareRoot()
    }
    #expect(norms.allSatisfy { $0 <= 0.1 * (1 + 1e-6) })
    #expect(norms.contains { $0 > 0.0999 })
  }

  @Test func anUpdateForOtherTensorsIsRefused() throws {
    let rule = try UpdateRule(layout: FlatLayout([("weight", [5, 3])]), chain: .sgd())
    let error = #expect(throws: StepError.self) {
      try TrainingStep(
        source: LinearRegression(), update: rule, shards: 8, on: SoloCollective())
    }
    #expect(
      error?.description
        == "the update is made for the tensors [\"weight [5, 3]\"], the gradients are of "
        + "[\"weight [3, 5]\", \"bias [3]\"]")
  }
}
