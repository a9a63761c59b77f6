import LockstepEngine
import LockstepOptimization
import Testing

@Suite struct WeightNormsTests {
  private static let layout = FlatLayout([
    ("conv", [4, 3, 5, 2]), ("dense", [6, 11]), ("bias", [7]), ("wide", [2, 600, 3, 3]),
  ])

  private func rule(_ constraint: WeightConstraint?) throws -> UpdateRule {
    try UpdateRule(
      layout: Self.layout, chain: .sgd(learningRate: 0),
      constraints: Self.layout.slots.map { _ in constraint })
  }

  /// The norms of tensors, and of units over the constraint's axes, against sums in Double.
  @Test(arguments: [
    WeightConstraint.maxNorm(2), .maxNorm(2, axes: .all), .unitNorm(axes: .axes([0])),
    .maxNorm(1.5, axes: .axes([-1])), .minMaxNorm(0.5, 3),
  ])
  func normsAreTheirDefinitions(constraint: WeightConstraint) throws {
    var weights = randomArena(Self.layout, seed: 3)
    let found = try weights.withUnsafeMutableBufferPointer { try rule(constraint).weightNorms($0) }
    #expect(found.map(\.name) == ["conv", "dense", "bias", "wide"])
    for (slot, tensor) in zip(Self.layout.slots, found) {
      let whole = norm(slot.range.lazy.map { weights[$0] })
      #expect(abs(tensor.norm - whole) <= 1e-12 * whole)
      let axes: Set<Int> =
        switch constraint.axes {
        case .unit: slot.shape.count < 2 ? [0] : Set(1..<slot.shape.count)
        case .all: Set(slot.shape.indices)
        case .axes(let list), .keras(let list):
          Set(list.map { $0 < 0 ? $0 + slot.shape.count : $0 })
        }
      let norms = units(slot, reducing: axes).map { norm($0.lazy.map { weights[$0] }) }
      let range = try #require(tensor.units)
      #expect(abs(range.least - (norms.min() ?? 0)) <= 1e-12)
      #expect(abs(range.largest - (norms.max() ?? 0)) <= 1e-12 * range.largest)
      #expect(range.interval == (constraint.projection as? any NormProjection)?.interval)
    }
  }

  /// What is no constraint on norms has no units, and no weight changes.
  @Test(arguments: [nil, WeightConstraint.nonNegative]) func othersHaveNone(
    constraint: WeightConstraint?
  ) throws {
    var weights = randomArena(Self.layout, seed: 3)
    let before = weights
    let found = try weights.withUnsafeMutableBufferPointer { try rule(constraint).weightNorms($0) }
    #expect(found.allSatisfy { $0.units == nil } && weights == before)
  }
}
