import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct WholeTensorTests {
  /// The norm is that of before the first update, behind any number of updates.
  @Test func initialNormsStay() throws {
    let constraints: [WeightConstraint?] = mixedLayout.slots.map { _ in .initialNorm }
    let trial = try Trial(
      mixedLayout, .sgd(learningRate: 0.5, momentum: 0.9), constraints: constraints)
    let start = mixedLayout.slots.map { norm(trial.parameters[$0.range]) }
    let before = trial.parameters
    for step in 0..<4 { try trial.step(step, randomArena(mixedLayout, seed: UInt64(step))) }
    #expect(trial.parameters != before)
    for (slot, expected) in zip(mixedLayout.slots, start) {
      #expect((norm(trial.parameters[slot.range]) / expected - 1).magnitude < 1e-6)
    }
    let names = trial.rule.state.map(\.name)
    #expect(names.contains("constraint.initialNorm.small.weight"))
  }

  /// What was zero was not drawn, and has no norm to keep.
  @Test func zerosMoveFreelyBesideInitialNorms() throws {
    let layout = FlatLayout([("drawn", [40, 9]), ("zero", [7])])
    let trial = try Trial(
      layout, .sgd(learningRate: 3), constraints: [.initialNorm, .initialNorm])
    for i in layout.slots[1].range { trial.parameters[i] = 0 }
    let start = norm(trial.values(0))
    for step in 0..<3 { try trial.step(step, randomArena(layout, seed: UInt64(step))) }
    #expect((norm(trial.values(0)) / start - 1).magnitude < 1e-6)
    #expect(trial.values(1).allSatisfy { $0 != 0 })
  }

  @Test(arguments: [(4, 9), (9, 4), (16, 16), (1, 7), (40, 200)], [Float(1), 2.5])
  func orthogonalRowsHaveOneNormAndNothingInCommon(_ shape: (Int, Int), _ gain: Float) throws {
    let (rows, columns) = shape
    var generator = FixedGenerator(seed: UInt64(rows * 1000 + columns))
    let constraint = WeightConstraint.orthogonal(gain: gain)
    let made = try constraint.projected(
      generator.values(rows * columns), shape: [rows, columns])
    func at(_ i: Int, _ j: Int) -> Double { Double(made[i * columns + j]) / Double(gain) }
    for i in 0..<min(rows, columns) {
      for j in 0..<min(rows, columns) {
        let sum = (0..<max(rows, columns)).reduce(0.0) {
          $0 + (rows <= columns ? at(i, $1) * at(j, $1) : at($1, i) * at($1, j))
        }
        #expect((sum - (i == j ? 1 : 0)).magnitude < 4e-6)
      }
    }
    // What is orthogonal keeps its bits.
    #expect(bits(try constraint.projected(made, shape: [rows, columns])) == bits(made))
  }

  /// The nearest orthogonal matrix to a positive diagonal is the identity.
  @Test func theProjectionIsTheNearest() throws {
    let made = try WeightConstraint.orthogonal().projected(
      [3, 0, 0, 0, 0.5, 0, 0, 0, 1], shape: [3, 3])
    for (index, value) in made.enumerated() {
      #expect((value - (index % 4 == 0 ? 1 : 0)).magnitude < 1e-6)
    }
  }

  /// No magnitude exceeds its share of the first range; what was zero is free.
  @Test func initialBoxesHold() throws {
    let layout = FlatLayout([("drawn", [40, 9]), ("zero", [7])])
    let trial = try Trial(
      layout, .sgd(learningRate: 3), constraints: [.initialBox(0.5), .initialBox()])
    for i in layout.slots[1].range { trial.parameters[i] = 0 }
    let limit = 0.5 * trial.values(0).map(\.magnitude).max()!
    for step in 0..<3 { try trial.step(step, randomArena(layout, seed: UInt64(step))) }
    #expect(trial.values(0).map(\.magnitude).max() == limit)
    #expect(trial.values(1).allSatisfy { $0 != 0 })
  }

  /// U min(S, τ) Vᵀ, for singular values on both sides of τ, some of them close to it.
  @Test(arguments: [(4, 9), (9, 4), (12, 12), (1, 7), (40, 70)])
  func singularValuesAreCapped(_ shape: (Int, Int)) throws {
    let (rows, columns) = shape
    let rank = min(rows, columns)
    var generator = FixedGenerator(seed: UInt64(rows * 1000 + columns))
    let left = try WeightConstraint.orthogonal().projected(
      generator.values(rows * rank), shape: [rows, rank])
    let right = try WeightConstraint.orthogonal().projected(
      generator.values(rank * columns), shape: [rank, columns])
    func matrix(_ singular: (Int) -> Double) -> [Float] {
      (0..<rows * columns).map { index in
        Float(
          (0..<rank).reduce(0.0) {
            $0 + Double(left[index / columns * rank + $1]) * singular($1)
              * Double(right[$1 * columns + index % columns])
          })
      }
    }
    let limit = 0.5
    func singular(_ index: Int) -> Double { 30 * ExactMath.power(0.7, index) + 1e-3 }
    let capped = try WeightConstraint.spectralCap(Float(limit)).projected(
      matrix(singular), shape: [rows, columns])
    for (found, expected) in zip(capped, matrix { min(singular($0), limit) }) {
      #expect((Double(found) - Double(expected)).magnitude < 1e-4 * limit)
    }
    // What is inside keeps its bits, also where the norm exceeds the limit.
    #expect(
      bits(
        try WeightConstraint.spectralCap(Float(limit)).projected(capped, shape: [rows, columns]))
        == bits(capped))
    let inside = matrix { _ in limit * 0.99 }
    #expect(
      bits(
        try WeightConstraint.spectralCap(Float(limit)).projected(inside, shape: [rows, columns]))
        == bits(inside))
  }

  @Test func vectorsAreNotMadeOrthogonal() throws {
    let error = #expect(throws: HyperparameterError.self) {
      try WeightConstraint.orthogonal().projected([1, 2, 3], shape: [3])
    }
    #expect(error?.problem.contains("is for matrices") == true)
  }
}
