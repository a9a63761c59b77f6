import LockstepEngine
import LockstepOptimization
import Testing

/// Each unit without its mean, which is a projection onto the values that add up to nothing.
private struct ZeroMean: UnitProjection {
  func validate(owner: String) throws {}

  func project(_ unit: inout MutableSpan<Float>) {
    var sum = 0.0
    for index in unit.indices { sum += Double(unit[index]) }
    let mean = Float(sum / Double(unit.count))
    for index in unit.indices { unit[index] -= mean }
  }
}

/// Multiplies a tensor by 1/2, and counts how often it did.
private struct Halving: TensorProjection {
  let limit: Int

  func validate(owner: String) throws {
    guard limit >= 0 else {
      throw HyperparameterError(
        owner: owner, key: "limit", value: "\(limit)", problem: "must be at least 0")
    }
  }

  func bind(to tensor: ConstrainedTensor) -> any BoundProjection { Bound(limit, tensor) }

  private final class Bound: BoundProjection {
    let limit: Int
    let calls = Arena<Double>(count: 1)
    let state: [StateEntry]

    init(_ limit: Int, _ tensor: ConstrainedTensor) {
      self.limit = limit
      state = [tensor.entry("calls", calls)]
    }

    func project(_ values: inout MutableSpan<Float>) {
      guard calls.base[0] < Double(limit) else { return }
      calls.base[0] += 1
      for index in values.indices { values[index] /= 2 }
    }
  }
}

private struct OfNoKind: Projection {
  func validate(owner: String) throws {}
}

/// Norms of at least 2, without an upper limit.
private struct LeastNorm: NormProjection {
  var interval: NormInterval { NormInterval(from: 2, to: .infinity) }
  func validate(owner: String) throws {}
}

/// Tensors whose units lie in blocks, span blocks and lie apart.
private let layout = FlatLayout([
  ("conv", [4, 3, 5, 2]), ("vector", [9]), ("scalar", []), ("wide", [2, 9001]),
  ("many", [70, 30, 3, 3]), ("empty", [3, 0]),
])

@Suite struct OwnProjectionTests {
  private func project(
    _ constraint: WeightConstraint, _ start: [Float], layout: FlatLayout = layout, steps: Int = 1,
    blocks: [Range<Int>]? = nil
  ) throws -> Trial {
    let trial = try Trial(
      layout, .sgd(learningRate: 0), constraints: layout.slots.map { _ in constraint })
    trial.parameters = start
    for step in 0..<steps {
      try trial.step(step, [Float](repeating: 0, count: layout.count), blocks: blocks)
    }
    return trial
  }

  /// Units are handed over whole and in storage order, whatever their axes and wherever they lie.
  @Test(arguments: [
    WeightConstraint(ZeroMean()), .init(ZeroMean(), axes: .all),
    .init(ZeroMean(), axes: .axes([0])),
    .init(ZeroMean(), axes: .axes([1])), .init(ZeroMean(), axes: .keras([-1])),
  ])
  func unitsAreProjected(_ constraint: WeightConstraint) throws {
    let layout = FlatLayout([("wide", [2, 9001]), ("narrow", [300, 40]), ("small", [3, 5])])
    let start = randomArena(layout, seed: 3)
    let end = try project(constraint, start, layout: layout).parameters
    var axes: Set = [1]
    switch constraint.axes {
    case .unit: break
    case .all: axes = [0, 1]
    case .axes(let list): axes = Set(list)
    case .keras: axes = [0]
    }
    for slot in layout.slots {
      for unit in units(slot, reducing: axes) {
        var sum = 0.0
        for place in unit { sum += Double(start[place]) }
        let mean = Float(sum / Double(unit.count))
        for place in unit { #expect(end[place] == start[place] - mean) }
      }
    }
  }

  /// Vectors, scalars, empty tensors and any axes; any grouping of blocks has the same bits.
  @Test func anyTensorIsProjected() throws {
    let start = randomArena(layout, seed: 4)
    for constraint in [WeightConstraint(ZeroMean()), .init(ZeroMean(), axes: .all)] {
      let whole = try project(constraint, start).parameters
      #expect(whole[layout.slots[2].offset] == 0)
      let count = layout.blocks().count
      let parts = try project(
        constraint, start, blocks: (0..<count).reversed().map { $0..<$0 + 1 })
      #expect(bits(parts.parameters) == bits(whole))
    }
  }

  @Test func normsHaveAnyInterval() throws {
    let start = randomArena(layout, seed: 5)
    let end = try project(.init(LeastNorm()), start).parameters
    for slot in layout.slots where slot.count > 1 {
      for unit in units(
        slot, reducing: Set(slot.shape.indices.dropFirst(slot.shape.count > 1 ? 1 : 0)))
      {
        let before = norm(unit.lazy.map { start[$0] })
        let after = norm(unit.lazy.map { end[$0] })
        #expect((after - max(before, 2)).magnitude <= 1e-6 * after)
      }
    }
  }

  /// What a projection of tensors remembers is state, under the tensor's name.
  @Test func whatIsRememberedIsState() throws {
    let start = randomArena(layout, seed: 6)
    let trial = try project(.init(Halving(limit: 2)), start, steps: 4)
    for (a, b) in zip(trial.parameters, start) { #expect(a == b / 4) }
    let names = trial.rule.state.map(\.name).filter { $0.hasPrefix("constraint.") }
    #expect(names == layout.slots.map { "constraint.calls.\($0.name)" })
    #expect(trial.rule.projectsAfterGather)
  }

  @Test func misuseIsNamed() throws {
    let start = randomArena(layout, seed: 6)
    let negative = #expect(throws: HyperparameterError.self) {
      try project(.init(Halving(limit: -1)), start)
    }
    #expect(negative?.description == "constraint on conv: limit = -1 must be at least 0")
    let kind = #expect(throws: HyperparameterError.self) {
      try project(.init(OfNoKind()), start)
    }
    #expect(kind?.description.contains("OfNoKind() must conform to ValueProjection") == true)
    #expect(throws: HyperparameterError.self) {
      try project(.init(ZeroMean(), axes: .axes([7])), start)
    }
  }

  /// Equality and description tell types, hyperparameters, axes, mode and interval apart.
  @Test func constraintsAreComparedByAllThatTheySay() {
    let constraints: [WeightConstraint] = [
      .maxNorm(2), .maxNorm(3), .maxNorm(2, axes: .axes([0])), .maxNorm(2, mode: .keras),
      .maxNorm(2).every(2), .ball(2), .unitNorm(), .init(ZeroMean()), .init(Halving(limit: 1)),
      .init(Halving(limit: 2)), .spectralNorm(2), .valueBox(0, 2), .nonNegative,
    ]
    for (i, a) in constraints.enumerated() {
      for (j, b) in constraints.enumerated() {
        #expect((a == b) == (i == j))
        #expect(("\(a)" == "\(b)") == (i == j))
      }
    }
    #expect(
      "\(WeightConstraint.init(Halving(limit: 2)).every(3))"
        == "WeightConstraint(Halving(limit: 2), axes: unit, mode: strict, interval: 3)")
  }
}
