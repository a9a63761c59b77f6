import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct HeldRowsTests {
  private static let layout = FlatLayout(
    [("before", [5]), ("table", [40, 300]), ("behind", [3, 4])], constraints: [],
    roles: [.other, .table(heldRow: 7), .kernel])

  static let chains: [(String, Chain)] = [
    ("noise", Chain(GradientNoise(variance: 0.1, decay: 0, seed: 1)) + .sgd(learningRate: 0.1)),
    ("box", Chain(ClipByValue(lower: 0.1, upper: 1)) + .adamW(learningRate: 0.1)),
    ("signs", Chain(ClipByValue(1)) + .lion(learningRate: 0.1)),
  ]

  /// The row keeps its bits whatever noise, boxes, decay and constraints make of it, and all others move.
  @Test(arguments: chains.indices, [false, true])
  func theRowStays(chain: Int, averages: Bool) throws {
    let all: [[WeightConstraint?]] = [
      [], [nil, .maxNorm(0.5), nil], [nil, .valueBox(0.2, 0.4), nil],
    ]
    for constraints in all {
      for fuses in [false, true] {
        let trial = try Trial(
          Self.layout, Self.chains[chain].1, constraints: constraints,
          average: averages ? WeightAverage(decay: 0.5) : nil, fuses: fuses)
        let slot = Self.layout.slots[1]
        let row = slot.offset + 7 * 300..<slot.offset + 8 * 300
        let before = trial.parameters
        for step in 0..<3 {
          var gradient = randomArena(Self.layout, seed: UInt64(step))
          for index in row { gradient[index] = 0 }
          try trial.step(step, gradient)
        }
        #expect(bits(Array(trial.parameters[row])) == bits(Array(before[row])))
        let others = slot.range.filter { !row.contains($0) }
        #expect(others.allSatisfy { trial.parameters[$0] != before[$0] })
      }
    }
  }
}
