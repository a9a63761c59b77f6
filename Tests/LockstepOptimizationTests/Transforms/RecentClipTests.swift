import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct RecentClipTests {
  private let layout = FlatLayout([("a", [4, 3]), ("b", [5])])

  private func arena(_ a: Float, _ b: Float) -> [Float] {
    var values = [Float](repeating: 0, count: layout.count)
    for i in layout.slots[0].range { values[i] = a }
    for i in layout.slots[1].range { values[i] = b }
    return values
  }

  /// A spike of one tensor is brought down, and the others keep their bits.
  @Test func adaGCClipsTensorByTensor() throws {
    let trial = try Trial(
      layout, Chain(AdaGC(relative: 1.5, warmup: 2, absolute: 1e6), ScaleByLearningRate(1)))
    trial.parameters = arena(0, 0)
    for step in 0..<4 {
      let report = try trial.step(step, arena(1, 1))
      #expect(!report.clipped)
    }
    trial.parameters = arena(0, 0)
    let report = try trial.step(4, arena(100, 1))
    #expect(report.clipped)
    #expect(trial.values(1) == Array(repeating: -1, count: 5))
    #expect(trial.values(0).allSatisfy { ($0 + 1.5).magnitude < 1e-6 })
    #expect(report.clippedFraction == 12.0 / 17)
  }

  /// In the first steps the global norm counts.
  @Test func adaGCStartsWithTheGlobalNorm() throws {
    let trial = try Trial(layout, Chain(AdaGC(warmup: 5, absolute: 2), ScaleByLearningRate(1)))
    let report = try trial.step(0, arena(3, -1))
    #expect(report.clipped)
    #expect((report.clippedGradientNorm! - 2).magnitude < 1e-6)
  }

  /// A value above the mean of the largest ones so far is brought to it; the first update is left alone.
  @Test func spikesAreBroughtToTheMean() throws {
    let trial = try Trial(layout, Chain(SpikeClip(decay: 0.5), ScaleByLearningRate(1)))
    trial.parameters = arena(0, 0)
    #expect(try !trial.step(0, arena(4, 1)).clipped)
    trial.parameters = arena(0, 0)
    var gradient = arena(1, 1)
    gradient[layout.slots[0].offset] = 40
    let report = try trial.step(1, gradient)
    // â = (0.5 · 0.5 · 4 + 0.5 · 40) / (1 − 0.25) = 28
    #expect(report.clippedFraction == 1.0 / 17)
    #expect((trial.values(0)[0] + 28).magnitude < 1e-5)
    #expect(trial.values(0).dropFirst().allSatisfy { $0 == -1 })
    #expect(trial.values(1).allSatisfy { $0 == -1 })
  }

  /// Only matrices whose largest singular value exceeds the limit change, and what changed is told.
  @Test func spectralClipsSayWhatTheyChange() throws {
    let matrices = FlatLayout([("a", [6, 3]), ("b", [4, 5]), ("c", [5])])
    let trial = try Trial(matrices, Chain(SpectralClip(2), ScaleByLearningRate(1)))
    trial.parameters = [Float](repeating: 0, count: matrices.count)
    var gradient = [Float](repeating: 0.5, count: matrices.count)
    for i in matrices.slots[1].range { gradient[i] = 0.4 }
    for i in matrices.slots[2].range { gradient[i] = 100 }
    // 0.5 √18 = 2.12 and 0.4 √20 = 1.79.
    let report = try trial.step(0, gradient)
    #expect(report.clippedFraction == 18.0 / 43)
    let size = Float(2 / 18.0.squareRoot())
    #expect(trial.values(0).allSatisfy { ($0 + size).magnitude < 1e-4 })
    #expect(trial.values(1).allSatisfy { $0 == -0.4 })
    #expect(trial.values(2).allSatisfy { $0 == -100 })
    #expect(throws: HyperparameterError.self) {
      try UpdateRule(layout: matrices, chain: Chain(SpectralClip(1, scope: ["c"])) + .sgd())
    }
  }

  /// Units of centralised gradients add up to nothing; what is centralised stays.
  @Test func centralizedUnitsHaveNoMean() throws {
    let trial = try Trial(mixedLayout, Chain(Centralize(), ScaleByLearningRate(1)))
    trial.parameters = [Float](repeating: 0, count: mixedLayout.count)
    let gradient = randomArena(mixedLayout, seed: 8)
    try trial.step(0, gradient)
    for slot in mixedLayout.slots where slot.shape.count > 1 {
      for unit in units(slot, reducing: Set(1..<slot.shape.count)) {
        let sum = unit.reduce(0.0) { $0 + Double(trial.parameters[$1]) }
        #expect((sum / Double(unit.count)).magnitude < 1e-7)
      }
    }
    for slot in mixedLayout.slots where slot.shape.count < 2 {
      for i in slot.range { #expect(trial.parameters[i] == -gradient[i]) }
    }
  }

  /// Noise has the variance η / (1 + t)^γ, and is another one for each seed and step.
  @Test func noiseHasItsVariance() throws {
    func noise(_ step: Int, seed: UInt64) throws -> [Float] {
      let trial = try Trial(
        mixedLayout,
        Chain(GradientNoise(variance: 0.25, decay: 1, seed: seed), ScaleByLearningRate(1)))
      trial.parameters = [Float](repeating: 0, count: mixedLayout.count)
      let none = [Float](repeating: 0, count: mixedLayout.count)
      try trial.step(step, none)
      return mixedLayout.slots.flatMap { trial.parameters[$0.range] }
    }
    for (step, variance) in [(0, 0.25), (3, 0.0625)] {
      let values = try noise(step, seed: 5).map(Double.init)
      let found = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      #expect((found / variance - 1).magnitude < 0.03)
      #expect((values.reduce(0, +) / Double(values.count)).magnitude < 0.01)
    }
    #expect(try noise(0, seed: 5) == noise(0, seed: 5))
    #expect(try noise(0, seed: 5) != noise(0, seed: 6))
    #expect(try noise(0, seed: 5) != noise(1, seed: 5))
  }

  /// One tensor of three with nearly all of the norm is named; so is a clip below the optimizer's epsilon.
  @Test func reportsSayWhatAClipIsAbout() throws {
    let three = FlatLayout([("a", [8]), ("b", [8]), ("c", [8])])
    func report(_ b: Float, _ chain: Chain) throws -> UpdateReport {
      let trial = try Trial(three, chain)
      var gradient = [Float](repeating: 1, count: three.count)
      for i in three.slots[1].range { gradient[i] = b }
      return try trial.step(0, gradient)
    }
    let clip = Chain(ClipByGlobalNorm(1))
    #expect(try report(100, clip + .adam()).dominantTensor == 1)
    #expect(try report(2, clip + .adam()).dominantTensor == nil)
    #expect(try !report(2, clip + .adam()).clipsBelowEpsilon)
    #expect(try report(2, Chain(ClipByGlobalNorm(1e-9)) + .adam()).clipsBelowEpsilon)
    #expect(try !report(2, Chain(ClipByGlobalNorm(1e-9)) + .sgd()).clipsBelowEpsilon)
  }

  @Test func constraintsAtTheirBoundsAreNamed() throws {
    let constraints: [WeightConstraint?] = [.maxNorm(1), .valueBox(-0.5, 0.5)]
    let rule = try UpdateRule(layout: layout, chain: .adam(), constraints: constraints)
    func bound(_ parameters: [Float]) -> [String] {
      parameters.withUnsafeBufferPointer { rule.boundTensors($0) }
    }
    let size = Float(1 / 3.0.squareRoot())
    #expect(bound(arena(size, 0.5)) == ["a", "b"])
    #expect(bound(arena(size, 0.4)) == ["a"])
    var loose = arena(size, -0.5)
    loose[layout.slots[0].offset] = 0
    #expect(bound(loose) == ["b"])
    // A constraint that fixes norms binds by its nature.
    let fixed = try UpdateRule(layout: layout, chain: .adam(), constraints: [.unitNorm(), nil])
    #expect(arena(size, 0).withUnsafeBufferPointer { fixed.boundTensors($0) } == [])
  }
}
