import LockstepEngine
import LockstepOptimization
import Testing

/// Parameters after a step without a gradient: the constraint alone acts.
private func project(
  _ layout: FlatLayout, _ constraint: WeightConstraint, _ parameters: [Float]
) throws -> [Float] {
  let trial = try Trial(
    layout, .sgd(learningRate: 0), constraints: layout.slots.map { _ in constraint })
  trial.parameters = parameters
  try trial.step(0, [Float](repeating: 0, count: layout.count))
  return trial.parameters
}

/// Tensors of rank 4 and 2, small ones, ones whose units are larger than a block, and ones of many
/// blocks.
private let layout = FlatLayout([
  ("conv", [4, 3, 5, 2]), ("dense", [6, 11]), ("wideConv", [2, 600, 3, 3]),
  ("manyConv", [70, 30, 3, 3]),
])
private let dense = FlatLayout([("a", [5, 7]), ("b", [130, 70]), ("c", [3, 5000])])

@Suite struct ConstraintTests {
  private static let kinds: [any Projection] = [
    MaxNorm(limit: 1.5), UnitNorm(), MinMaxNorm(minimum: 1, maximum: 2.5, rate: 1),
    MinMaxNorm(minimum: 1, maximum: 2.5, rate: 0.25),
  ]

  /// w · desired / ‖w‖ (strict) or w · desired / (1e-7 + ‖w‖) (Keras) on every set of axes.
  @Test(arguments: kinds.indices, [WeightConstraint.Mode.strict, .keras])
  func projectionsAreTheirDefinitions(_ kind: Int, _ mode: WeightConstraint.Mode) throws {
    let kind = Self.kinds[kind]
    for (layout, rank) in [(layout, 4), (dense, 2)] {
      let layout = FlatLayout(
        layout.slots.filter { $0.shape.count == rank }.map { ($0.name, $0.shape) })
      for subset in 1..<(1 << rank) {
        let axes = (0..<rank).filter { subset >> $0 & 1 == 1 }
        let start = randomArena(layout, seed: 7)
        let constraint = WeightConstraint(kind, axes: .axes(axes), mode: mode)
        let end = try project(layout, constraint, start)
        var moved = 0
        for slot in layout.slots {
          for unit in units(slot, reducing: Set(axes)) {
            let norm = norm(unit.lazy.map { start[$0] })
            let desired: Double
            switch kind {
            case let rule as MaxNorm: desired = min(norm, Double(rule.limit))
            case let rule as MinMaxNorm:
              desired =
                Double(rule.rate) * max(Double(rule.minimum), min(norm, Double(rule.maximum)))
                + (1 - Double(rule.rate)) * norm
            default: desired = 1
            }
            let factor = mode == .keras ? desired / (1e-7 + norm) : desired / norm
            for i in unit {
              let expected = Double(start[i]) * factor
              #expect((Double(end[i]) - expected).magnitude <= 2e-7 * expected.magnitude)
              if mode == .strict, desired == norm {
                #expect(end[i].bitPattern == start[i].bitPattern)
              }
            }
            if desired != norm { moved += 1 }
          }
        }
        #expect(moved > 0)
      }
    }
  }

  /// The strict projection leaves what it has projected alone, bit for bit. (With a rate below 1
  /// a unit comes nearer with every step, so that there is nothing to be idempotent.)
  @Test func strictProjectionsAreIdempotent() throws {
    let constraints: [WeightConstraint] = [
      .maxNorm(1.5), .maxNorm(0.01, axes: .axes([0])), .unitNorm(), .unitNorm(axes: .axes([1])),
      .minMaxNorm(1, 1.1), .minMaxNorm(5, 5), .nonNegative, .valueBox(-0.25, 0.75),
      .unitNorm(axes: .axes([0, 1])), .ball(2), .ball(0.01),
    ]
    for constraint in constraints {
      for seed in 0..<5 {
        let start = randomArena(dense, seed: UInt64(seed))
        let once = try project(dense, constraint, start)
        #expect(bits(once) != bits(start))
        #expect(bits(try project(dense, constraint, once)) == bits(once), "\(constraint)")
      }
    }
  }

  @Test func largeLimitsChangeNothing() throws {
    let start = randomArena(layout, seed: 2)
    for constraint: WeightConstraint in [
      .maxNorm(1e30), .minMaxNorm(0, 1e30), .valueBox(-1, 1), .maxNorm(1e30, axes: .axes([0])),
      .ball(1e30), .spectralNorm(1e30),
    ] {
      #expect(bits(try project(layout, constraint, start)) == bits(start))
    }
  }

  /// Keras's formula divides by 1e-7 more than the norm, and so shrinks units inside the ball.
  @Test func kerasModeShrinksInsideTheBall() throws {
    let start = randomArena(dense, seed: 2, scale: 1e-4)
    let end = try project(dense, .maxNorm(100, mode: .keras), start)
    #expect(zip(start, end).allSatisfy { $1.magnitude <= $0.magnitude })
    #expect(norm(end) < norm(start) * (1 - 1e-6))
  }

  @Test func valuesAreBoxedAndNaNsStay() throws {
    var start = randomArena(dense, seed: 2)
    start[3] = .nan
    start[4] = .infinity
    let positive = try project(dense, .nonNegative, start)
    let boxed = try project(dense, .valueBox(-0.25, 0.5), start)
    for i in start.indices where i != 3 {
      #expect(positive[i] == max(start[i], 0))
      #expect(boxed[i] == min(max(start[i], -0.25), 0.5))
    }
    #expect(positive[3].isNaN && boxed[3].isNaN)
  }

  /// A unit of zeros has no direction: it stays. Units of any size come to their norm, down to
  /// those whose smallest value is a normal number: below, a thread that flushes denormals, as all
  /// threads of a training do, sees zeros.
  @Test func zerosStayAndExtremeNormsAreReached() throws {
    let zeros = [Float](repeating: 0, count: dense.count)
    #expect(try project(dense, .unitNorm(), zeros) == zeros)
    #expect(try project(dense, .minMaxNorm(1, 2), zeros) == zeros)
    for scale: Float in [1e-33, 1e-25, 1e30, 1e36] {
      for axes: WeightConstraint.Axes in [.unit, .axes([0])] {
        let end = try project(
          dense, .unitNorm(axes: axes), randomArena(dense, seed: 3, scale: scale))
        for slot in dense.slots {
          for unit in units(slot, reducing: axes == .unit ? [1] : [0]) {
            #expect((norm(unit.lazy.map { end[$0] }) - 1).magnitude < 1e-6)
          }
        }
      }
    }
  }

  /// Keras's axes of (in, out), (k, in, out) and (kH, kW, in, out) are PyTorch's, mapped.
  @Test(arguments: [
    ([6, 11], [0], [1]), ([6, 11], [1], [0]), ([6, 11], [-1], [0]), ([7], [0], [0]),
    ([4, 3, 5, 2], [0], [2]), ([4, 3, 5, 2], [1], [3]), ([4, 3, 5, 2], [2], [1]),
    ([4, 3, 5, 2], [3], [0]), ([4, 3, 5, 2], [0, 1, 2], [1, 2, 3]), ([4, 3, 5], [0], [2]),
    ([4, 3, 5], [1], [1]), ([4, 3, 5], [2], [0]), ([4, 3, 5, 2], [-4], [2]),
  ])
  func kerasAxesAreMapped(_ shape: [Int], _ keras: [Int], _ pyTorch: [Int]) throws {
    let layout = FlatLayout([("w", shape)])
    let start = randomArena(layout, seed: 4)
    let mapped = try project(layout, .maxNorm(0.1, axes: .keras(keras)), start)
    #expect(bits(mapped) == bits(try project(layout, .maxNorm(0.1, axes: .axes(pyTorch)), start)))
    #expect(bits(mapped) != bits(start))
  }

  /// A dense unit's incoming weights, a filter over in-channels × kernel, a whole vector.
  @Test func unitsAreTheTrailingAxes() throws {
    for (shape, axes) in [
      ([6, 11], [1]), ([4, 3, 5, 2], [1, 2, 3]), ([9000], [0]), ([3, 1], [1]),
    ] {
      let layout = FlatLayout([("w", shape)])
      let start = randomArena(layout, seed: 4)
      #expect(
        bits(try project(layout, .unitNorm(), start))
          == bits(try project(layout, .unitNorm(axes: .axes(axes)), start)))
    }
  }

  /// The article's formula: w · C/‖w‖ where ‖w‖ > C, with the norm of the whole tensor.
  @Test func theBallIsThatOfTheWholeTensor() throws {
    for (layout, limit) in [
      (layout, Float(5)), (dense, 2), (FlatLayout([("s", []), ("v", [9])]), 0.1),
    ] {
      let start = randomArena(layout, seed: 5)
      let end = try project(layout, .ball(limit), start)
      for slot in layout.slots {
        let before = norm(start[slot.range])
        if before <= Double(limit) {
          #expect(bits(Array(end[slot.range])) == bits(Array(start[slot.range])))
          continue
        }
        #expect((norm(end[slot.range]) / Double(limit) - 1).magnitude <= 0x1p-22)
        let factor = Float(Double(limit) / before)
        for i in slot.range { #expect(end[i] == start[i] * factor) }
      }
      #expect(bits(end) != bits(start))
    }
  }

  /// With `every` n the projection happens after updates n, 2n, …, and only then; an update that was
  /// skipped does not count.
  @Test(arguments: [
    WeightConstraint.maxNorm(0.1), .maxNorm(0.1, axes: .axes([0])), .unitNorm(), .nonNegative,
    .valueBox(-0.01, 0.01), .ball(0.1), .spectralNorm(0.1), .minMaxNorm(0, 0.1),
  ])
  func everyNthUpdateIsProjected(_ constraint: WeightConstraint) throws {
    let rare = try Trial(
      dense, .sgd(learningRate: 0.1), constraints: dense.slots.map { _ in constraint.every(3) })
    for update in 1...7 {
      let gradient = randomArena(dense, seed: UInt64(update))
      let free = try Trial(dense, .sgd(learningRate: 0.1))
      free.parameters = rare.parameters
      try free.step(update, gradient)
      // Prepared and left: no update.
      try rare.rule.prepare(step: 2 * update, blockSums: rare.blockSums(gradient))
      try rare.step(2 * update + 1, gradient)
      #expect((bits(rare.parameters) == bits(free.parameters)) == (update % 3 != 0), "\(update)")
    }
  }

  @Test(arguments: [
    (WeightConstraint.maxNorm(-1), "limit"), (.maxNorm(.nan), "limit"), (.maxNorm(0), "limit"),
    (.minMaxNorm(2, 1), "minimum"), (.minMaxNorm(-1, 1), "minimum"),
    (.minMaxNorm(0, .infinity), "maximum"), (.minMaxNorm(0, 1, rate: 1.5), "rate"),
    (.valueBox(1, 0), "lower"), (.valueBox(.nan, 0), "lower"), (.valueBox(0, .nan), "upper"),
    (.maxNorm(1, axes: .axes([2])), "axes"), (.maxNorm(1, axes: .keras([-3])), "axes"),
    (.maxNorm(1, axes: .axes([0, -2])), "axes"), (.unitNorm(axes: .axes([])), "axes"),
    (.maxNorm(1, axes: .axes([-3])), "axes"), (.maxNorm(1, axes: .axes([0, 0])), "axes"),
    (.unitNorm(axes: .axes([2])), "axes"), (.unitNorm(axes: .keras([2])), "axes"),
    (.unitNorm(axes: .keras([0, -2])), "axes"), (.unitNorm(axes: .keras([])), "axes"),
    (.minMaxNorm(0, 1, axes: .axes([5])), "axes"),
    (.minMaxNorm(0, 1, axes: .keras([1, 1])), "axes"),
    (.maxNorm(.infinity), "limit"), (.minMaxNorm(.nan, 1), "minimum"),
    (.minMaxNorm(0, .nan), "maximum"), (.minMaxNorm(0, 0), "maximum"),
    (.minMaxNorm(0, 1, rate: .nan), "rate"), (.minMaxNorm(0, 1, rate: -0.1), "rate"),
    (.valueBox(-.infinity, 0), "lower"), (.valueBox(0, .infinity), "upper"), (.ball(0), "limit"),
    (.ball(-1), "limit"), (.ball(.nan), "limit"), (.spectralNorm(0), "limit"),
    (.spectralNorm(.nan), "limit"), (.spectralNorm(1, iterations: 0), "iterations"),
    (.maxNorm(1).every(0), "every"), (.nonNegative.every(-2), "every"),
    (.spectralNorm(1).every(0), "every"),
  ])
  func badConstraintsAreNamed(_ constraint: WeightConstraint, _ key: String) {
    let error = #expect(throws: HyperparameterError.self) {
      try project(dense, constraint, randomArena(dense, seed: 1))
    }
    #expect(error?.key == key)
    #expect(error?.owner == "constraint on a")
  }
}
