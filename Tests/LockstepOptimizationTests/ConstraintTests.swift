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

/// The values of each unit of a tensor, by the definition: all that agree on the axes kept.
private func units(_ slot: FlatLayout.Slot, reducing axes: Set<Int>) -> [[Int]] {
  var units: [[Int]: [Int]] = [:]
  var order: [[Int]] = []
  for i in 0..<slot.count {
    var rest = i
    var place = [Int](repeating: 0, count: slot.shape.count)
    for axis in slot.shape.indices.reversed() {
      place[axis] = rest % slot.shape[axis]
      rest /= slot.shape[axis]
    }
    let key = place.indices.filter { !axes.contains($0) }.map { place[$0] }
    if units[key] == nil { order.append(key) }
    units[key, default: []].append(slot.offset + i)
  }
  return order.map { units[$0]! }
}

/// Tensors of rank 4 and 2, small ones, ones whose units are larger than a block, and ones of many
/// blocks.
private let layout = FlatLayout([
  ("conv", [4, 3, 5, 2]), ("dense", [6, 11]), ("wideConv", [2, 600, 3, 3]),
  ("manyConv", [70, 30, 3, 3]),
])
private let dense = FlatLayout([("a", [5, 7]), ("b", [130, 70]), ("c", [3, 5000])])

@Suite struct ConstraintTests {
  private static let kinds: [WeightConstraint.Kind] = [
    .maxNorm(limit: 1.5), .unitNorm, .minMaxNorm(minimum: 1, maximum: 2.5, rate: 1),
    .minMaxNorm(minimum: 1, maximum: 2.5, rate: 0.25),
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
            case .maxNorm(let limit): desired = min(norm, Double(limit))
            case .minMaxNorm(let low, let high, let rate):
              desired =
                Double(rate) * max(Double(low), min(norm, Double(high)))
                + (1 - Double(rate)) * norm
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
      .unitNorm(axes: .axes([0, 1])),
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

  @Test(arguments: [
    (WeightConstraint.maxNorm(-1), "limit"), (.maxNorm(.nan), "limit"), (.maxNorm(0), "limit"),
    (.minMaxNorm(2, 1), "minimum"), (.minMaxNorm(-1, 1), "minimum"),
    (.minMaxNorm(0, .infinity), "maximum"), (.minMaxNorm(0, 1, rate: 1.5), "rate"),
    (.valueBox(1, 0), "lower"), (.valueBox(.nan, 0), "lower"), (.valueBox(0, .nan), "upper"),
    (.maxNorm(1, axes: .axes([2])), "axes"), (.maxNorm(1, axes: .keras([-3])), "axes"),
    (.maxNorm(1, axes: .axes([0, -2])), "axes"), (.unitNorm(axes: .axes([])), "axes"),
  ])
  func badConstraintsAreNamed(_ constraint: WeightConstraint, _ key: String) {
    let error = #expect(throws: HyperparameterError.self) {
      try project(dense, constraint, randomArena(dense, seed: 1))
    }
    #expect(error?.key == key)
    #expect(error?.owner == "constraint on a")
  }
}
