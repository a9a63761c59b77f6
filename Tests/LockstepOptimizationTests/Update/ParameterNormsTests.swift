import LockstepEngine
import LockstepOptimization
import Testing

/// Norms of each tensor, before and behind clipping, and the part of the values that clips changed.
@Suite struct ParameterNormsTests {
  private static let clips: [(name: String, chain: Chain)] = [
    ("none", Chain()), ("global norm", Chain(ClipByGlobalNorm(2.5))),
    ("norm", Chain(ClipByNorm(0.75))),
    ("value", Chain(ClipByValue(0.3))), ("p = 3", Chain(ClipByGlobalNorm(0.7, norm: .power(3)))),
    ("adaptive", Chain(AdaptiveClip(0.01))), ("block RMS", Chain(ClipByBlockRMS(0.2))),
    ("scoped", Chain(ClipByGlobalNorm(1.5, scope: ["*.bias", "conv.*"]))),
    ("value, then global norm", Chain(ClipByValue(0.5), ClipByGlobalNorm(2))),
    ("global norm, then value", Chain(ClipByGlobalNorm(60), ClipByValue(0.3))),
    ("two by norm", Chain(ClipByNorm(3), ClipByGlobalNorm(1))),
  ]

  /// The chain alone leaves the clipped gradient in the parameters; with an optimizer behind it, fused
  /// or not, the norms are the same.
  @Test(arguments: clips.indices)
  func normsAreThoseOfTheArrays(_ index: Int) throws {
    let (name, chain) = Self.clips[index]
    let gradient = randomArena(mixedLayout, seed: 8)
    let trial = try Trial(mixedLayout, chain)
    // The adaptive clip follows the weights, so these are as they are in all trials.
    let before = trial.parameters
    let report = try trial.step(0, gradient)
    let clipped = zip(before, trial.parameters).map { $0 - $1 }
    let norms = trial.rule.parameterNorms()
    #expect(norms.map(\.name) == mixedLayout.slots.map(\.name))
    for (slot, norms) in zip(mixedLayout.slots, norms) {
      let expected = norm(gradient[slot.range])
      #expect((norms.before - expected).magnitude <= 1e-12 * expected, "\(name) \(slot.name)")
      // The difference of parameters is rounded where they are much larger than it.
      let after = norm(clipped[slot.range])
      #expect((norms.after - after).magnitude <= 1e-4 * after + 1e-7, "\(name) \(slot.name)")
    }
    func whole(_ path: KeyPath<ParameterNorms, Double>) -> Double {
      norms.reduce(0) { $0 + $1[keyPath: path] * $1[keyPath: path] }.squareRoot()
    }
    #expect((whole(\.before) / report.gradientNorm - 1).magnitude < 1e-12, "\(name)")
    let after = try #require(report.clippedGradientNorm)
    #expect((whole(\.after) / after - 1).magnitude < 1e-6, "\(name)")

    for fuses in [true, false] {
      let optimized = try Trial(mixedLayout, chain + .adamW(), fuses: fuses)
      let other = try optimized.step(0, gradient)
      #expect(optimized.rule.parameterNorms() == norms, "\(name)")
      #expect(other.clippedFraction == report.clippedFraction, "\(name)")
    }
  }

  @Test func theClippedFractionCountsValues() throws {
    let gradient = randomArena(mixedLayout, seed: 8)
    let values = mixedLayout.slots.reduce(0) { $0 + $1.count }
    func fraction(_ clips: any GradientTransform...) throws -> Double {
      try Trial(mixedLayout, Chain(clips) + .sgd(learningRate: 0.1)).step(0, gradient)
        .clippedFraction
    }
    func part(_ isMeant: (FlatLayout.Slot, Float) -> Bool) -> Double {
      let count = mixedLayout.slots.reduce(0) { sum, slot in
        sum + gradient[slot.range].count { isMeant(slot, $0) }
      }
      return Double(count) / Double(values)
    }
    #expect(try fraction() == 0)
    #expect(try fraction(ClipByGlobalNorm(1e9)) == 0)
    #expect(try fraction(ClipByGlobalNorm(1)) == 1)
    let above = part { abs($1) > 0.3 }
    #expect(above > 0.6 && above < 0.8)
    #expect(try fraction(ClipByValue(0.3)) == above)
    // The same values twice count once in a block that is changed whole, and by blocks otherwise.
    #expect(try fraction(ClipByValue(0.3), ClipByGlobalNorm(1)) == 1)
    let scoped = part { slot, _ in slot.name == "conv.weight" }
    #expect(try fraction(ClipByGlobalNorm(0.1, scope: ["conv.*"])) == scoped)
    let long = part { slot, _ in norm(gradient[slot.range]) > 50 }
    #expect(try fraction(ClipByNorm(50)) == long && long > 0 && long < 1)
  }
}
