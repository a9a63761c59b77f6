import LockstepCatalog
import LockstepEngine

/// Adam's direction that limits each gradient by its own second moment, and forgets its moments now and then.
package struct ScaleBySPAM: NormalizingTransform, Equatable {
  /// β₁, the weight of the past in the mean.
  package let beta1: Double
  /// β₂, the weight of the past in the mean of squares.
  package let beta2: Double
  /// ε, added to √v.
  package let epsilon: Double
  /// θ: a gradient counts with √(θv) where g² > θv; 0 for none.
  package let threshold: Double
  /// ΔT, the number of updates from one reset of the moments to the next.
  package let resetEvery: Int
  /// N, the number of updates behind a reset in which updates grow again.
  package let warmup: Int
  /// The number of updates, at first and behind a reset, that limit nothing.
  package let grace: Int

  /// Makes a direction with these numbers; the defaults are the paper's.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6, threshold: Double = 5000,
    resetEvery: Int = 500, warmup: Int = 150, grace: Int = 20
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.threshold = threshold
    self.resetEvery = resetEvery
    self.warmup = warmup
    self.grace = grace
  }

  package func validate() throws {
    try checkBetas("spam", beta1, beta2)
    try HyperparameterRange.nonNegative.check("spam", "epsilon", epsilon)
    try HyperparameterRange.nonNegative.check("spam", "threshold", threshold)
    try HyperparameterRange.integer(atLeast: 2).check("spam", "resetEvery", Double(resetEvery))
    try HyperparameterRange.integer(atLeast: 0).check("spam", "warmup", Double(warmup))
    try HyperparameterRange.integer(atLeast: 1).check("spam", "grace", Double(grace))
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  /// What an update is multiplied by: less than 1 in the first ones behind a reset.
  func growth(update: Int) -> Double {
    let since = update % resetEvery
    guard update >= resetEvery, since < warmup else { return 1 }
    let angle = Double(since + 1) / Double(warmup + 1)
    return 1 - 0.99 * (1 + ExactMath.cosine(halfTurns: angle)) / 2
  }

  private final class Bound: BoundTransform {
    private let rule: ScaleBySPAM
    private let first: Arena<Float>
    private let second: Arena<Float>
    let state: [StateEntry]
    private var resets = false
    private var limits = false
    /// What m / (√v + ε) is multiplied by.
    private var factor: Float = 1

    init(_ rule: ScaleBySPAM, _ context: TransformContext) {
      self.rule = rule
      first = context.makeArena()
      second = context.makeArena()
      state = [context.entry("firstMoment", first), context.entry("secondMoment", second)]
    }

    func prepare(_ step: StepContext) {
      let since = step.update % rule.resetEvery
      resets = since == 0
      limits = rule.threshold > 0 && min(step.update, since) >= rule.grace
      let root = (1 - ExactMath.power(rule.beta2, step.update)).squareRoot()
      factor = Float(
        root / (1 - ExactMath.power(rule.beta1, step.update)) * rule.growth(update: step.update))
    }

    func apply(_ block: BlockView) {
      let (beta1, beta2) = (Float(rule.beta1), Float(rule.beta2))
      let (epsilon, threshold) = (Float(rule.epsilon), Float(rule.threshold))
      let (m, v) = (first.base + block.offset, second.base + block.offset)
      if resets {
        m.update(repeating: 0, count: block.count)
        v.update(repeating: 0, count: block.count)
      }
      for i in 0..<block.count {
        var g = block.input[i]
        if limits {
          let most = (threshold * v[i]).squareRoot()
          if g.magnitude > most { g = g < 0 ? -most : most }
        }
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * (g * g)
        block.output[i] = factor * (m[i] / (v[i].squareRoot() + epsilon))
      }
    }
  }
}

extension Chain {
  /// SPAM by its paper: Adam that limits gradients by their own second moments, and resets its moments.
  ///
  /// A gradient with g² > θv counts with √(θv). Every ΔT updates both moments start from 0, and the next N
  /// updates grow from 0 to their full size along a cosine. Decay is AdamW's. (Huang et al. 2025, "SPAM:
  /// Spike-aware Adam with momentum reset for stable LLM training", 2501.06842.)
  ///
  /// - Parameters:
  ///   - threshold: θ.
  ///   - resetEvery: ΔT.
  ///   - warmup: N.
  package static func spam(
    learningRate: Schedule = 1e-3, weightDecay: Double = 0, _ direction: ScaleBySPAM = .init()
  ) -> Chain {
    Chain([direction] + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let spamEntry = Entry<Optimizer>(
    "spam", "Adam that limits spikes and resets its moments, by its paper", learningRate: 1e-3,
    [
      .beta1, .beta2(), .epsilon(1e-6),
      .with("threshold", .nonNegative, 5000, "the largest g² as a multiple of its mean; 0: none"),
      .with("resetEvery", .count(from: 2), 500, "the steps from one reset to the next"),
      .with("warmup", .count(from: 0), 150, "the steps behind a reset in which updates grow"),
      .with("grace", .count(from: 1), 20, "the steps at first and behind a reset without limits"),
      .weightDecay(),
    ]
  ) { values, rate in
    .spam(
      learningRate: rate, weightDecay: values["weightDecay"],
      ScaleBySPAM(
        beta1: values["beta1"], beta2: values["beta2"], epsilon: values["epsilon"],
        threshold: values["threshold"], resetEvery: values["resetEvery"],
        warmup: values["warmup"], grace: values["grace"]))
  }
}
