import Foundation
import LockstepEngine
import LockstepOptimization
import Testing

/// What scripts/reference/recent_updates.py writes.
private struct RecentUpdates: Decodable {
  struct Tensor: Decodable {
    let name: String
    let shape: [Int]
  }

  let tensors: [Tensor]
  let saved: [Int]
  let initial: [[Float]]
  let gradients: [[[Float]]]
  let trajectories: [String: [[[Double]]]]

  static func load() throws -> RecentUpdates {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/recent-updates.json")
    return try JSONDecoder().decode(RecentUpdates.self, from: Data(contentsOf: file))
  }

  var layout: FlatLayout {
    FlatLayout(
      tensors.map { ($0.name, $0.shape) }, constraints: [],
      roles: tensors.map {
        $0.name.hasPrefix("head") ? .output : $0.shape.count > 1 ? .kernel : .other
      }
    )
  }

  func arena(_ values: [[Float]]) -> [Float] {
    var arena = [Float](repeating: 0, count: layout.count)
    for (slot, values) in zip(layout.slots, values) {
      arena.replaceSubrange(slot.range, with: values)
    }
    return arena
  }
}

@Suite struct RecentUpdateTests {
  private static let chains: [String: Chain] = [
    "muon": .muon(),
    "muon, matched": .muon(
      learningRate: 0.02, momentum: 0.95, nesterov: true, weightDecay: 0.05,
      scaling: .matchRMSAdamW, iterations: NewtonSchulz(), adamParameters: [],
      remainder: AdamWRemainder(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.05)),
    "muon, own rates": .muon(
      learningRate: 0.05, momentum: 0.8, nesterov: false, weightDecay: 0, scaling: .original,
      iterations: NewtonSchulz(steps: 3), adamParameters: ["*.bias", "head.*"],
      remainder: AdamWRemainder(rateFactor: 0.08, weightDecay: 0.2)),
    "muon, other polynomial": .muon(
      learningRate: 0.03, momentum: 0.95, nesterov: true, weightDecay: 0.1, scaling: .original,
      iterations: NewtonSchulz(coefficients: [1.875, -1.25, 0.375], steps: 8), adamParameters: [],
      remainder: AdamWRemainder(weightDecay: 0.1)),
    "adan": .adan(learningRate: 0.01),
    "adan, decay": .adan(
      learningRate: 0.03, beta1: 0.9, beta2: 0.8, beta3: 0.95, epsilon: 1e-3, weightDecay: 0.1),
    "schedule-free AdamW": .scheduleFreeAdamW(learningRate: 0.01),
    "schedule-free AdamW, all terms": .scheduleFree(
      .warmup(steps: 4, start: 0.2, then: 0.03), beta: 0.8, beta2: 0.95, epsilon: 1e-4,
      weightDecay: 0.1, power: 1.5, ratePower: 1),
    "schedule-free SGD": .scheduleFreeSGD(learningRate: 0.2, momentum: 0.8, weightDecay: 0.05),
    "prodigy": .prodigy(),
    "prodigy, all terms": .prodigy(
      Prodigy(
        schedule: 0.5, beta1: 0.8, beta2: 0.95, beta3: 0.9, epsilon: 1e-4, weightDecay: 0.1,
        initial: 1e-3, coefficient: 2, biasCorrection: true)),
    "scion": .scion(
      learningRate: 0.02, momentum: 0.9, radius: 1, outputRadius: 1, constrained: false,
      iterations: NewtonSchulz(), signParameters: []),
    "scion, constrained": .scion(
      learningRate: 0.05, momentum: 0.5, radius: 3, outputRadius: 2, constrained: true,
      iterations: NewtonSchulz(), signParameters: ["head.*"]),
    "spam": .spam(
      learningRate: 0.02,
      ScaleBySPAM(epsilon: 1e-5, threshold: 2, resetEvery: 5, warmup: 3, grace: 2)),
    "stableSPAM": .stableSPAM(
      learningRate: 0.02, beta1: 0.8, beta2: 0.95, gamma1: 0.6, gamma2: 0.8, theta: 0.9,
      resetEvery: 5),
    "spectral clip": Chain(SpectralClip(0.7)) + .sgd(learningRate: 0.1, momentum: 0.9),
    "adaGC": Chain(AdaGC(beta: 0.9, warmup: 4, absolute: 1.5))
      + .sgd(learningRate: 0.1, momentum: 0.9),
    "adafactor": .adafactor(),
    "adafactor, all terms": .adafactor(
      ScaleByAdafactor(
        schedule: 0.4, beta2Decay: -0.5, epsilon: 0.3, weightEpsilon: 0.7, clipThreshold: 1.05),
      weightDecay: 0.1),
    "shampoo": .shampoo(learningRate: 0.02, epsilon: 1e-3, preconditionFrequency: 1),
    "shampoo, all terms": .shampoo(
      learningRate: 0.03, momentum: 0.8, weightDecay: 0.1,
      ScaleByShampoo(
        epsilon: 0.01, preconditionFrequency: 5, maxPreconditionDim: 8, grafting: .sgd),
      remainder: AdamWRemainder(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)),
    "soap": .soap(maxPreconditionDim: 6),
    "soap, all terms": .soap(
      ScaleBySOAP(
        schedule: 0.02, beta1: 0.8, beta2: 0.9, shampooBeta: 0.7, epsilon: 1e-3,
        weightDecay: 0.1, preconditionFrequency: 2, maxPreconditionDim: 6),
      remainder: AdamWRemainder(weightDecay: 0.1)),
    "centralized": Chain(Centralize()) + .sgd(learningRate: 0.1, momentum: 0.9),
  ]

  /// |a − b| ≤ t · max(|b|, rms of the tensor), for every value. t is 2e-6, and 1e-5 for Muon, as each
  /// Newton–Schulz step rounds some products, and may multiply what came before by 3.4, and for updates with
  /// factors, which are rounded to Float32. Singular values are clipped to within 1e-4.
  @Test(arguments: chains.keys.sorted())
  func trajectoriesAreThoseOfTheReference(_ name: String) throws {
    let reference = try RecentUpdates.load()
    #expect(reference.trajectories.count == Self.chains.count)
    let layout = reference.layout
    let tolerance =
      name == "spectral clip"
      ? 1e-4 : ["muon", "scion", "shampoo", "soap"].contains { name.hasPrefix($0) } ? 1e-5 : 2e-6
    let trial = try Trial(layout, try #require(Self.chains[name]))
    trial.parameters = reference.arena(reference.initial)
    var expected = try #require(reference.trajectories[name])[...]
    for (step, gradient) in reference.gradients.enumerated() {
      try trial.step(step, reference.arena(gradient))
      guard reference.saved.contains(step + 1) else { continue }
      for (slot, values) in zip(layout.slots, expected.removeFirst()) {
        let rms = (values.reduce(0) { $0 + $1 * $1 } / Double(slot.count)).squareRoot()
        for (a, b) in zip(trial.parameters[slot.range], values) {
          #expect((Double(a) - b).magnitude <= tolerance * max(b.magnitude, rms), "\(slot.name)")
        }
      }
    }
    #expect(expected.isEmpty)
  }
}
