import LockstepCatalog
import LockstepEngine
import LockstepOptimization
import LockstepTestSupport
import Testing

private let layout = FlatLayout([("w", [3])])

@Suite struct PlateauTests {
  /// The rate of a rule's next step.
  private func rate(_ trial: Trial, step: Int) throws -> Double {
    try trial.step(step, [Float](repeating: 0.5, count: layout.count)).learningRate
  }

  @Test func theRateFallsWhenTheMetricStopsImproving() throws {
    let trial = try Trial(
      layout,
      .sgd(
        learningRate: .reduceOnPlateau(
          ReduceOnPlateau(factor: 0.5, patience: 1, cooldown: 2, minimum: 0.2), of: 1)))
    var rates: [Double] = []
    var reductions: [Bool] = []
    let metrics: [Double] = [3, 2, 2, 2, 2, 2, 2, 2, .nan, 2, 1, 2, 2, 2, 2, 2, 2]
    for (step, metric) in metrics.enumerated() {
      rates.append(try rate(trial, step: step))
      reductions.append(trial.rule.report(metric: metric))
    }
    // Bad reports 2 and 3 (patience 1) reduce; then two of cool-down; then two bad ones again.
    #expect(reductions.indices.filter { reductions[$0] } == [3, 7, 12, 16])
    #expect(
      rates == [1, 1, 1, 1] + [0.5, 0.5, 0.5, 0.5] + [0.25, 0.25, 0.25, 0.25, 0.25] + [
        0.2, 0.2, 0.2, 0.2,
      ])
    // The step itself takes the reduced rate.
    let before = trial.parameters
    try trial.step(20, [Float](repeating: 1, count: layout.count))
    for i in 0..<3 { #expect(trial.parameters[i] == before[i] - Float(0.2)) }
  }

  /// Decays that carry the schedule themselves follow it too (Keras's momentum).
  @Test func everyPartOfTheChainFollows() throws {
    let plateau = ReduceOnPlateau(factor: 0.5, patience: 0)
    let trial = try Trial(
      layout,
      .sgdKeras(learningRate: .reduceOnPlateau(plateau, of: 0.5), momentum: 0.9, weightDecay: 0.1))
    let plain = try Trial(layout, .sgdKeras(learningRate: 0.25, momentum: 0.9, weightDecay: 0.1))
    trial.rule.report(metric: 1)
    #expect(trial.rule.report(metric: 1))
    for step in 0..<3 {
      let gradient = randomArena(layout, seed: UInt64(step))
      #expect(try trial.step(step, gradient) == (try plain.step(step, gradient)))
    }
    #expect(bits(trial.parameters) == bits(plain.parameters))
  }

  @Test func warmUpsComeFirst() throws {
    let schedule = try LockstepOptimizationTests.schedule(
      "reduceOnPlateau", 1,
      ["factor": 0.5, "patience": 0, "warmupSteps": 4, "warmupStart": 0])
    let trial = try Trial(layout, .sgd(learningRate: schedule))
    #expect(try (0..<3).map { try rate(trial, step: $0) } == [0, 0.25, 0.5])
    trial.rule.report(metric: 1)
    trial.rule.report(metric: 1)
    #expect(try (3..<6).map { try rate(trial, step: $0) } == [0.375, 0.5, 0.5])
  }

  /// A reduction goes on from a checkpoint, and rules without one ignore reports.
  @Test func stateIsKept() throws {
    func make() throws -> Trial {
      try Trial(
        layout,
        .sgd(learningRate: .reduceOnPlateau(ReduceOnPlateau(factor: 0.5, patience: 2), of: 1)))
    }
    let first = try make()
    let metrics: [Double] = [1, 2, 2, 2, 0.5, 2, 2]
    for metric in metrics { first.rule.report(metric: metric) }
    let second = try make()
    #expect(second.rule.state.map(\.name).contains("optimizer.plateau.values"))
    for (from, to) in zip(first.rule.state, second.rule.state) {
      switch (from.storage, to.storage) {
      case (.doubles(let a), .doubles(let b)): _ = b.update(fromContentsOf: a)
      case (.integers(let a), .integers(let b)): _ = b.update(fromContentsOf: a)
      default: break
      }
    }
    #expect(first.rule.report(metric: 2))
    #expect(second.rule.report(metric: 2))
    #expect(try rate(first, step: 0) == 0.25)
    #expect(try rate(second, step: 0) == 0.25)
    let none = try Trial(layout, .sgd())
    for _ in 0..<30 { #expect(!none.rule.report(metric: 1)) }
  }

  @Test func contradictionsAreRefused() {
    let one = ReduceOnPlateau(factor: 0.5)
    let other = ReduceOnPlateau(factor: 0.25)
    #expect(throws: HyperparameterError.self) {
      try UpdateRule(
        layout: layout,
        chain: Chain(
          DecoupledWeightDecay(0.1, scaledBy: .reduceOnPlateau(one, of: 1)),
          ScaleByLearningRate(.reduceOnPlateau(other, of: 1))))
    }
    for (plateau, key): (ReduceOnPlateau, String) in [
      (.init(factor: 1), "factor"), (.init(factor: .nan), "factor"),
      (.init(factor: -0.1), "factor"),
      (.init(patience: -1), "patience"), (.init(threshold: -1), "threshold"),
      (.init(cooldown: -1), "cooldown"), (.init(minimum: .nan), "minimum"),
    ] {
      let error = #expect(throws: HyperparameterError.self) {
        try Schedule.reduceOnPlateau(plateau, of: 1).validate()
      }
      #expect(error?.key == key)
    }
    #expect(throws: HyperparameterError.self) {
      try Schedule.reduceOnPlateau(one, of: .reduceOnPlateau(one, of: 1)).validate()
    }
  }

  /// A warm-up in front of every schedule of the catalog: a line up to its first rate, then itself.
  @Test func everyScheduleCanHaveAWarmUp() throws {
    for entry in ScheduleCatalog.catalog.entries {
      var values = ScheduleCatalog.catalog.form.example(entry.name)
      // The steps of this one count the warm-up: four more, half of which go down.
      let countsWarmUp = entry.name == "stableDecay"
      if countsWarmUp {
        values["steps"] = 4
        values["decay"] = 1
      }
      let plain = try schedule(entry.name, 0.5, values)
      if countsWarmUp {
        values["steps"] = 8
        values["decay"] = 0.5
      }
      values["warmupSteps"] = 4
      values["warmupStart"] = 0.5
      let warm = try schedule(entry.name, 0.5, values)
      let first = plain.value(at: 0)
      for step in 0..<4 {
        let expected = first * (0.5 + 0.5 * Double(step) / 4)
        #expect((warm.value(at: step) - expected).magnitude <= 1e-15, "\(entry.name)")
      }
      for step in 0..<20 {
        #expect(warm.value(at: step + 4) == plain.value(at: step), "\(entry.name)")
      }
    }
  }
}
