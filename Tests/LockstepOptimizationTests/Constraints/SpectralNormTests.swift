import LockstepEngine
import LockstepOptimization
import Testing

private let layout = FlatLayout([
  ("dense", [12, 30]), ("conv", [8, 5, 3, 3]), ("wide", [3, 5001]), ("tall", [900, 7]),
  ("bias", [40]), ("scale", []),
])

/// The largest singular value by many rounds of power iteration, in Double.
private func largestSingularValue(_ values: [Float], rows: Int) -> Double {
  let columns = values.count / rows
  let w = values.map(Double.init)
  var u = (0..<rows).map { 1 + Double($0 * 7919 % 101) }
  var sigma = 0.0
  for _ in 0..<3000 {
    var v = [Double](repeating: 0, count: columns)
    for i in 0..<rows { for j in 0..<columns { v[j] += w[i * columns + j] * u[i] } }
    let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
    if length == 0 { return 0 }
    for j in 0..<columns { v[j] /= length }
    for i in 0..<rows {
      u[i] = 0
      for j in 0..<columns { u[i] += w[i * columns + j] * v[j] }
    }
    let next = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for i in 0..<rows { u[i] /= next }
    if (next - sigma).magnitude <= 1e-14 * next { return next }
    sigma = next
  }
  return sigma
}

@Suite struct SpectralNormTests {
  private func constrained(
    _ layout: FlatLayout, _ limit: Float, iterations: Int = 1, start: [Float], steps: Int
  ) throws -> [Float] {
    let trial = try Trial(
      layout, .sgd(learningRate: 0),
      constraints: layout.slots.map { _ in .spectralNorm(limit, iterations: iterations) })
    trial.parameters = start
    for step in 0..<steps { try trial.step(step, [Float](repeating: 0, count: layout.count)) }
    return trial.parameters
  }

  /// On the sphere a smaller largest singular value grows to the radius; zeros stay.
  @Test func theSphereIsReachedFromBothSides() throws {
    let layout = FlatLayout([("small", [12, 30]), ("large", [30, 12]), ("zero", [4, 4])])
    var start = randomArena(layout, seed: 3)
    for i in layout.slots[0].range { start[i] *= 0.01 }
    for i in layout.slots[2].range { start[i] = 0 }
    let trial = try Trial(
      layout, .sgd(learningRate: 0),
      constraints: layout.slots.map { _ in .spectralSphere(2, iterations: 2000) })
    trial.parameters = start
    try trial.step(0, [Float](repeating: 0, count: layout.count))
    for slot in layout.slots.dropLast() {
      let after = largestSingularValue(Array(trial.parameters[slot.range]), rows: slot.shape[0])
      #expect((after / 2 - 1).magnitude < 1e-6)
    }
    #expect(trial.values(2).allSatisfy { $0 == 0 })
  }

  /// With enough rounds the projection is W · limit/σ, to the last bits of Float32.
  @Test func theLargestSingularValueIsTheLimit() throws {
    let start = randomArena(layout, seed: 3)
    let end = try constrained(layout, 0.5, iterations: 2000, start: start, steps: 1)
    for slot in layout.slots {
      let rows = slot.shape.first ?? 1
      let before = largestSingularValue(Array(start[slot.range]), rows: rows)
      let after = largestSingularValue(Array(end[slot.range]), rows: rows)
      if before <= 0.5 {
        #expect(bits(Array(end[slot.range])) == bits(Array(start[slot.range])), "\(slot.name)")
        continue
      }
      #expect((after / 0.5 - 1).magnitude < 1e-6, "\(slot.name): \(after)")
      let factor = 0.5 / before
      for i in slot.range {
        let expected = Double(start[i]) * factor
        #expect((Double(end[i]) - expected).magnitude <= 1e-6 * expected.magnitude)
      }
    }
    // A vector's singular value is its Euclidean norm.
    let bias = layout.slots[4]
    #expect((norm(end[bias.range]) - 0.5).magnitude < 1e-6)
  }

  /// The vectors persist: one round a step finds in many steps what many rounds find in one.
  @Test func vectorsPersistFromStepToStep() throws {
    let start = randomArena(layout, seed: 4)
    let end = try constrained(layout, 0.5, start: start, steps: 400)
    for slot in layout.slots where slot.count > 1 {
      let after = largestSingularValue(Array(end[slot.range]), rows: slot.shape[0])
      #expect((after / 0.5 - 1).magnitude < 1e-3, "\(slot.name): \(after)")
    }
    // The first step alone, without persistence, is further away.
    let once = try constrained(layout, 0.5, start: start, steps: 1)
    let dense = layout.slots[0]
    #expect(
      largestSingularValue(Array(once[dense.range]), rows: 12)
        > largestSingularValue(Array(end[dense.range]), rows: 12))
  }

  /// While weights train, σ stays at the limit.
  @Test func trainingStaysAtTheLimit() throws {
    let trial = try Trial(
      layout, .sgd(learningRate: 0.01), constraints: layout.slots.map { _ in .spectralNorm(1) })
    for step in 0..<200 { try trial.step(step, randomArena(layout, seed: UInt64(step))) }
    for slot in layout.slots where slot.count > 1 {
      let sigma = largestSingularValue(
        trial.values(layout.index(of: slot.name)!), rows: slot.shape[0])
      #expect(sigma <= 1.02, "\(slot.name): \(sigma)")
    }
  }

  @Test func matricesInsideKeepTheirBitsAndZerosStay() throws {
    let start = randomArena(layout, seed: 5)
    #expect(bits(try constrained(layout, 1e30, start: start, steps: 3)) == bits(start))
    let zeros = [Float](repeating: 0, count: layout.count)
    #expect(try constrained(layout, 0.1, start: zeros, steps: 3) == zeros)
  }

  /// A matrix that was zero, or whose direction was lost, is found again.
  @Test func lostVectorsBeginAgain() throws {
    let layout = FlatLayout([("w", [2, 2])])
    let trial = try Trial(layout, .sgd(learningRate: 0), constraints: [.spectralNorm(1)])
    let none = [Float](repeating: 0, count: layout.count)
    for (step, values) in [[4, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 4], [4, 0, 0, 0]].enumerated() {
      for i in 0..<4 { trial.parameters[i] = Float(values[i]) }
      try trial.step(step, none)
      let largest = trial.values(0).max()!
      #expect(largest == (step == 1 ? 0 : 1), "step \(step): \(trial.values(0))")
    }
  }

  @Test(arguments: [Float(1e30), 1e-30])
  func extremeMatricesComeToTheLimit(_ scale: Float) throws {
    let layout = FlatLayout([("w", [20, 30])])
    let end = try constrained(
      layout, scale / 8, iterations: 2000, start: randomArena(layout, seed: 6, scale: scale),
      steps: 1)
    let sigma = largestSingularValue(end.prefix(600).map { $0 / scale }, rows: 20)
    #expect((sigma * 8 - 1).magnitude < 1e-5)
  }

  @Test func stateIsNamedAfterTheTensor() throws {
    let rule = try UpdateRule(
      layout: layout, chain: .sgd(), constraints: [.spectralNorm(1), nil, .ball(1), nil, nil, nil])
    #expect(rule.state.map(\.name).contains("constraint.leftVector.dense"))
    #expect(rule.state.count { $0.name.hasPrefix("constraint.") } == 1)
    #expect(rule.projectsAfterGather)
  }
}
