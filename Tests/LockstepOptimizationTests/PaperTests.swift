import Foundation
import LockstepEngine
import LockstepOptimization
import Testing

/// What scripts/reference/papers.py writes.
private struct Papers: Decodable {
  struct Tensor: Decodable {
    let name: String
    let shape: [Int]
  }
  struct Ball: Decodable {
    let radius: Float
    let values: [Float]
    let projected: [Double]
  }

  let tensors: [Tensor]
  let saved: [Int]
  let initial: [[Float]]
  let gradients: [[[Float]]]
  let trajectories: [String: [[[Double]]]]
  let balls: [Ball]
  let schedules: [String: [Double]]

  static func load() throws -> Papers {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/papers.json")
    return try JSONDecoder().decode(Papers.self, from: Data(contentsOf: file))
  }

  var layout: FlatLayout { FlatLayout(tensors.map { ($0.name, $0.shape) }) }

  func arena(_ values: [[Float]]) -> [Float] {
    var arena = [Float](repeating: 0, count: layout.count)
    for (slot, values) in zip(layout.slots, values) {
      arena.replaceSubrange(slot.range, with: values)
    }
    return arena
  }
}

@Suite struct PaperTests {
  private static let chains: [String: Chain] = [
    "signSGD": .signSGD(learningRate: 0.01, weightDecay: 0.1),
    "signum": .signum(learningRate: 0.02, momentum: 0.8, weightDecay: 0.05),
    "adEMAMix": .adEMAMix(learningRate: 0.02),
    "adEMAMix, warm-up": .adEMAMix(
      learningRate: 0.03, beta1: 0.8, beta2: 0.95, beta3: 0.99, alpha: 5, warmup: 8,
      epsilon: 1e-4, weightDecay: 0.1),
  ]

  /// |a − b| ≤ 2e-6 · max(|b|, rms of the tensor), for every value.
  @Test(arguments: chains.keys.sorted())
  func trajectoriesAreThoseOfThePapers(_ name: String) throws {
    let papers = try Papers.load()
    #expect(papers.trajectories.count == Self.chains.count)
    let layout = papers.layout
    let trial = try Trial(layout, try #require(Self.chains[name]))
    trial.parameters = papers.arena(papers.initial)
    var expected = try #require(papers.trajectories[name])[...]
    for (step, gradient) in papers.gradients.enumerated() {
      try trial.step(step, papers.arena(gradient))
      guard papers.saved.contains(step + 1) else { continue }
      for (slot, values) in zip(layout.slots, expected.removeFirst()) {
        let rms = (values.reduce(0) { $0 + $1 * $1 } / Double(slot.count)).squareRoot()
        for (a, b) in zip(trial.parameters[slot.range], values) {
          #expect((Double(a) - b).magnitude <= 2e-6 * max(b.magnitude, rms))
        }
      }
    }
    #expect(expected.isEmpty)
  }

  /// Without a part of the slow average the direction is Adam's, bit for bit.
  @Test func adEMAMixWithoutItsSlowAverageIsAdamW() throws {
    let adam = try Trial(mixedLayout, .adamW(weightDecay: 0.1))
    let mixed = try Trial(mixedLayout, .adEMAMix(alpha: 0, weightDecay: 0.1))
    for step in 0..<5 {
      let gradient = randomArena(mixedLayout, seed: UInt64(step))
      try adam.step(step, gradient)
      try mixed.step(step, gradient)
    }
    #expect(bits(adam.parameters) == bits(mixed.parameters))
  }

  /// Signs ignore magnitudes: any positive multiple of the gradients is the same training.
  @Test(arguments: ["signSGD", "signum"])
  func signsIgnoreMagnitudes(_ name: String) throws {
    let chain = try #require(Self.chains[name])
    let (plain, scaled) = (try Trial(mixedLayout, chain), try Trial(mixedLayout, chain))
    for step in 0..<5 {
      let gradient = randomArena(mixedLayout, seed: UInt64(step))
      try plain.step(step, gradient)
      try scaled.step(step, gradient.map { $0 * 1024 })
    }
    #expect(bits(plain.parameters) == bits(scaled.parameters))
  }

  @Test func clipsThatChangeNothingAreRefused() throws {
    let clips: [(any GradientTransform, String)] = [
      (ClipByGlobalNorm(1), "globalNorm"), (ClipByNorm(1), "norm"), (ClipByValue(0.5), "value"),
      (AdaptiveClip(0.01), "adaptive"), (ClipByBlockRMS(1), "blockRMS"), (AutoClip(), "autoClip"),
      (ZClip(), "zClip"),
    ]
    for (clip, name) in clips {
      let error = #expect(throws: HyperparameterError.self) {
        try Trial(mixedLayout, Chain(clip) + .signSGD())
      }
      #expect(
        error?.description
          == "'clip': type = \(name) changes nothing before the optimizer 'signSGD', which ignores "
          + "magnitudes: leave it out")
      // In front of a momentum, or of a decay, magnitudes count.
      _ = try Trial(mixedLayout, Chain(clip) + .signum())
      _ = try Trial(mixedLayout, Chain(clip, WeightDecay(0.1), ScaleBySign()))
    }
    let ofGroup = #expect(throws: HyperparameterError.self) {
      try Trial(mixedLayout, .signSGD(), groups: [ParameterGroup("*.bias", clipNorm: 1)])
    }
    #expect(ofGroup?.description.hasPrefix("'optimizer.groups': clipNorm = 1 changes") == true)
    // A box without zero inside changes signs.
    _ = try Trial(mixedLayout, Chain(ClipByValue(lower: 0, upper: 1), ScaleBySign()))
  }

  @Test(arguments: [
    (Chain.adEMAMix(beta3: 1), "beta3"), (.adEMAMix(alpha: -1), "alpha"),
    (.adEMAMix(warmup: -1), "warmup"), (.adEMAMix(beta1: 1), "beta1"),
    (.signum(momentum: -1), "momentum"), (.signSGD(weightDecay: -1), "weightDecay"),
  ])
  func badNumbersAreNamed(_ chain: Chain, _ key: String) {
    let error = #expect(throws: HyperparameterError.self) { try chain.validate() }
    #expect(error?.key == key)
  }

  @Test func schedulesAreThoseOfThePapers() throws {
    let schedules: [String: Schedule] = [
      "warm inverseSquareRoot": .warmup(
        steps: 6, start: 0, then: .inverseSquareRoot(initial: 0.4, timescale: 6)),
      "stable, linear": .stableDecay(initial: 0.4, stableSteps: 12, decaySteps: 8),
      "stable, root": .stableDecay(
        initial: 0.4, stableSteps: 12, decaySteps: 8, minimum: 0.04, shape: .root),
    ]
    let papers = try Papers.load()
    #expect(papers.schedules.count == schedules.count)
    for (name, rates) in papers.schedules {
      let schedule = try #require(schedules[name])
      for (step, rate) in rates.enumerated() {
        #expect((schedule.value(at: step) - rate).magnitude <= 1e-15, "\(name) at step \(step)")
      }
    }
  }

  /// The projection onto an L1 ball is the reference's, and leaves what it has projected alone.
  @Test func ballsAreThoseOfThePaper() throws {
    for ball in try Papers.load().balls {
      let layout = FlatLayout([("w", [1, ball.values.count])])
      let trial = try Trial(
        layout, .sgd(learningRate: 0), constraints: [.l1Ball(ball.radius)])
      trial.parameters = [Float](repeating: 0, count: layout.count)
      trial.parameters.replaceSubrange(0..<ball.values.count, with: ball.values)
      try trial.step(0, [Float](repeating: 0, count: layout.count))
      let once = trial.parameters
      for (a, b) in zip(once, ball.projected) {
        #expect((Double(a) - b).magnitude <= 1e-7 * max(1, b.magnitude))
        #expect((a == 0) == (b == 0))
      }
      try trial.step(1, [Float](repeating: 0, count: layout.count))
      #expect(bits(trial.parameters) == bits(once))
    }
  }

  /// Random units of all places keep the law, and a value that is not a number stays to be found.
  @Test func ballsAreIdempotent() throws {
    for axes in [WeightConstraint.Axes.unit, .axes([0]), .all] {
      for radius: Float in [0.01, 1, 30] {
        let layout = FlatLayout([("a", [5, 7]), ("b", [130, 70]), ("c", [3, 9001])])
        let trial = try Trial(
          layout, .sgd(learningRate: 0),
          constraints: layout.slots.map { _ in .l1Ball(radius, axes: axes) })
        let zeros = [Float](repeating: 0, count: layout.count)
        let start = trial.parameters
        try trial.step(0, zeros)
        let once = trial.parameters
        #expect(bits(once) != bits(start))
        for (a, b) in zip(once, start) { #expect(a.magnitude <= b.magnitude && a * b >= 0) }
        try trial.step(1, zeros)
        #expect(bits(trial.parameters) == bits(once))
      }
    }
    let layout = FlatLayout([("a", [1, 3])])
    let trial = try Trial(layout, .sgd(learningRate: 0), constraints: [.l1Ball(1)])
    trial.parameters.replaceSubrange(0..<3, with: [2, .nan, 3])
    try trial.step(0, [Float](repeating: 0, count: layout.count))
    #expect(trial.parameters[1].isNaN)
    #expect(throws: HyperparameterError.self) {
      try Trial(layout, .sgd(), constraints: [.l1Ball(0)])
    }
  }
}
