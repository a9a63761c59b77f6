import LockstepCatalog
import LockstepEngine
import LockstepOptimization
import Testing

/// Tensors that begin to move late.
@Suite struct SlotStartsTests {
  private static let shapes = [("early", [3, 4]), ("late", [4, 2])]

  private func gradient(_ step: Int, _ layout: FlatLayout) -> [Float] {
    (0..<layout.count).map { Float(($0 * 31 + step * 17) % 23 - 11) / 7 }
  }

  /// From its first update on a tensor has the bits of a rule that begins then, for every optimizer whose state
  /// is each tensor's own. Constant rates: schedules follow the run. Which tensors muon and scion take as
  /// matrices depends on the others; UnfreezingTests has muon.
  @Test(
    arguments: OptimizerCatalog.catalog.entries.map(\.name).filter {
      !["muon", "scion"].contains($0)
    })
  func stateBeginsAnew(_ name: String) throws {
    let chain = try OptimizerCatalog.catalog.make(name).chain(totalSteps: 100)
    let layout = FlatLayout(Self.shapes)
    func rule(_ layout: FlatLayout, _ starts: [Int]) throws -> UpdateRule {
      try UpdateRule(layout: layout, chain: chain, owning: nil, stepsBeforeMoving: starts)
    }
    let shared = [
      "nadam", "nadamKeras", "prodigy", "scheduleFreeAdamW", "scheduleFreeSGD", "stableSPAM",
    ]
    if shared.contains(name) {
      let error = #expect(throws: HyperparameterError.self) { _ = try rule(layout, [0, 3]) }
      #expect("\(error!)".contains("cannot begin anew for some of them"))
      return
    }
    let late = layout.slots[1].range
    let alone = FlatLayout([Self.shapes[1]])
    let (joint, own) = (try rule(layout, [0, 3]), try rule(alone, []))
    var parameters = (0..<layout.count).map { Float($0 % 9) / 8 - 0.5 }
    let start = Array(parameters[late])
    let padding = [Float](repeating: 0, count: alone.count - late.count)
    var expected = start + padding
    for step in 0..<8 {
      var all = gradient(step, layout)
      let part = Array(all[late])
      if step < 3 { for index in late { all[index] = 0 } }
      try joint.update(&parameters, gradient: all, step: step)
      if step < 3 {
        #expect(Array(parameters[late]) == start)
      } else {
        try own.update(&expected, gradient: part + padding, step: step)
      }
    }
    let found = parameters[late].map(\.bitPattern)
    #expect(found == expected.prefix(late.count).map(\.bitPattern))
  }

  /// Tensors that wait are neither decayed nor constrained, and their average stays theirs.
  @Test func whatWaitsStaysAsItIs() throws {
    let layout = FlatLayout(Self.shapes)
    let rule = try UpdateRule(
      layout: layout, chain: .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.5),
      constraints: [.maxNorm(0.1), .maxNorm(0.1)], average: WeightAverage(decay: 0.5), owning: nil,
      stepsBeforeMoving: [0, 2])
    let late = layout.slots[1].range
    var parameters = [Float](repeating: 1, count: layout.count)
    let zeros = [Float](repeating: 0, count: layout.count)
    for step in 0..<2 { try rule.update(&parameters, gradient: zeros, step: step) }
    #expect(parameters[late].allSatisfy { $0 == 1 })
    #expect(!parameters[layout.slots[0].range].contains(1))
    try rule.update(&parameters, gradient: zeros, step: 2)
    #expect(!parameters[late].contains(1))
  }
}
