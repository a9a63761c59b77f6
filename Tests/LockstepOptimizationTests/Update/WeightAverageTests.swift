import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import Testing

private let constraints: [WeightConstraint?] = [
  .maxNorm(0.9), nil, .maxNorm(0.5, axes: .axes([2])), .ball(1), .unitNorm(), .spectralNorm(1),
  .nonNegative,
]

private func trial(_ average: WeightAverage) throws -> Trial {
  try Trial(
    mixedLayout, Chain(ClipByGlobalNorm(3)) + .adam(learningRate: 0.05), constraints: constraints,
    average: average)
}

private func averaged(_ trial: Trial) throws -> [Float]? {
  var weights = [Float](repeating: 0, count: trial.layout.count)
  let exists = try weights.withUnsafeMutableBufferPointer { try trial.rule.copyAverage(to: $0) }
  return exists ? weights : nil
}

@Suite struct WeightAverageTests {
  /// a ← a + (1 − d)(p − a) with the constrained parameters, from a copy of the first ones.
  @Test(arguments: [
    WeightAverage(decay: 0.75), WeightAverage(decay: 0), WeightAverage(decay: 0.99, warmsUp: true),
    WeightAverage(decay: 0.25, warmsUp: true), WeightAverage(decay: 0.9, start: 3),
  ])
  func theAverageIsItsFormula(_ average: WeightAverage) throws {
    let trial = try trial(average)
    var expected: [Double] = []
    for step in 0..<9 {
      #expect((try averaged(trial) == nil) == (step <= average.start))
      try trial.step(step, randomArena(mixedLayout, seed: UInt64(step)))
      let count = step - average.start
      if count < 0 { continue }
      if count == 0 {
        expected = trial.parameters.map(Double.init)
      } else {
        let n = Double(count)
        let decay = average.warmsUp ? min(average.decay, (1 + n) / (10 + n)) : average.decay
        expected = zip(expected, trial.parameters).map { $0 + (1 - decay) * (Double($1) - $0) }
      }
      let found = try #require(try averaged(trial))
      for (a, b) in zip(found, expected) { #expect((Double(a) - b).magnitude <= 2e-6) }
      if count == 0 || average.decay == 0 { #expect(bits(found) == bits(trial.parameters)) }
    }
    if average.decay > 0 { #expect(try averaged(trial) != trial.parameters) }
  }

  /// All weights from the first on that is averaged count alike.
  @Test func equalAveragesAreMeans() throws {
    let trial = try trial(.equal(start: 2, every: 3))
    var taken: [[Float]] = []
    for step in 0..<12 {
      try trial.step(step, randomArena(mixedLayout, seed: UInt64(step)))
      if [5, 8, 11].contains(step + 1) { taken.append(trial.parameters) }
      guard let found = try averaged(trial) else {
        #expect(taken.isEmpty)
        continue
      }
      for (index, value) in found.enumerated() {
        let mean = taken.reduce(0.0) { $0 + Double($1[index]) } / Double(taken.count)
        #expect((Double(value) - mean).magnitude <= 2e-6)
      }
    }
    #expect(taken.count == 3)
  }

  /// The average changes nothing about the training.
  @Test func trainingDoesNotSeeIt() throws {
    let with = try trial(WeightAverage(decay: 0.5))
    let without = try Trial(
      mixedLayout, Chain(ClipByGlobalNorm(3)) + .adam(learningRate: 0.05), constraints: constraints)
    for step in 0..<4 {
      let gradient = randomArena(mixedLayout, seed: UInt64(step))
      #expect(try with.step(step, gradient) == (try without.step(step, gradient)))
    }
    #expect(bits(with.parameters) == bits(without.parameters))
    #expect(try averaged(without) == nil)
    #expect(!with.rule.state.filter { $0.name == "average.weights" }.isEmpty)
  }

  /// Swapping twice brings everything back.
  @Test func swapsThereAndBack() throws {
    let trial = try trial(WeightAverage(decay: 0.5))
    func swap() throws -> Bool {
      try trial.parameters.withUnsafeMutableBufferPointer {
        try trial.rule.swapAverage(parameters: $0)
      }
    }
    #expect(try !swap())
    for step in 0..<4 { try trial.step(step, randomArena(mixedLayout, seed: UInt64(step))) }
    let parameters = trial.parameters
    let average = try #require(try averaged(trial))
    #expect(try swap())
    #expect(bits(trial.parameters) == bits(average))
    #expect((try averaged(trial)).map(bits) == bits(parameters))
    #expect(try swap())
    #expect(bits(trial.parameters) == bits(parameters))
    #expect((try averaged(trial)).map(bits) == bits(average))
    var short = [Float](repeating: 0, count: 3)
    #expect(throws: UpdateError.self) {
      try short.withUnsafeMutableBufferPointer { try trial.rule.swapAverage(parameters: $0) }
    }
  }

  @Test func itsKeysAreChecked() throws {
    func make(_ values: JSONObject) throws -> WeightAverage {
      let reader = try ConfigurationReader(.object(values))
      let read = try WeightAverage.form.read(reader)
      try reader.finish()
      return WeightAverage(read)
    }
    #expect(try make([:]) == WeightAverage())
    #expect(
      try make(["decay": 0.5, "warmup": true, "start": 7])
        == WeightAverage(decay: 0.5, warmsUp: true, start: 7))
    for (values, key): (JSONObject, String) in [
      (["decay": 1], "decay"), (["decay": .number(.nan)], "decay"), (["start": -1], "start"),
      (["warmup": 1], "warmup"), (["momentum": 0.9], "momentum"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try make(values) }
      #expect(error?.path == key)
    }
    for average in [WeightAverage(decay: -0.1), WeightAverage(decay: 1), WeightAverage(start: -1)] {
      #expect(throws: HyperparameterError.self) {
        try UpdateRule(layout: mixedLayout, chain: .sgd(), average: average)
      }
    }
  }
}
