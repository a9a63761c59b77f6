import LockstepCatalog
import LockstepEngine

/// Gives each tensor's gradient a norm that follows its own history: the AdaGN of Stable-SPAM.
package struct AdaptiveNorm: GradientTransform, Equatable {
  /// γ₁, the weight of the past in the mean of norms.
  package let mean: Double
  /// γ₂, the weight of the past in the mean of their squares.
  package let square: Double
  /// ε, added to the root of the latter.
  package let epsilon: Double

  package func validate() throws {
    try HyperparameterRange.decayRate.check("stableSPAM", "gamma1", mean)
    try HyperparameterRange.decayRate.check("stableSPAM", "gamma2", square)
    try HyperparameterRange.nonNegative.check("stableSPAM", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let rule: AdaptiveNorm
    private let kernels: Kernels
    /// The mean of each tensor's norms, then that of their squares.
    private let means: Arena<Double>
    private let counter = Arena<Int64>(count: 1)
    private var pending: [Double]
    private var scales: [ScaleFactor]
    let measures: [Measure] = [.update(.two)]
    var sharedState: String? { "the number of updates in Stable-SPAM's means" }

    init(_ rule: AdaptiveNorm, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      let count = context.layout.slots.count
      means = Arena(count: 2 * count)
      pending = Array(repeating: 0, count: 2 * count)
      scales = Array(repeating: ScaleFactor(1), count: count)
    }

    var state: [StateEntry] {
      [
        StateEntry("adaptiveNorm.means", .doubles(means.buffer)),
        StateEntry("adaptiveNorm.count", .integers(counter.buffer)),
      ]
    }

    func prepare(_ step: StepContext) {
      let count = Int(counter.base[0]) + 1
      let first = 1 - ExactMath.power(rule.mean, count)
      let second = 1 - ExactMath.power(rule.square, count)
      for slot in scales.indices {
        let norm = step.measurements.norm(.update(.two), slot: slot)
        let (mean, square) = (2 * slot, 2 * slot + 1)
        pending[mean] = rule.mean * means.base[mean] + (1 - rule.mean) * norm
        pending[square] = rule.square * means.base[square] + (1 - rule.square) * norm * norm
        let size =
          (pending[mean] / first) / ((pending[square] / second).squareRoot() + rule.epsilon)
        // A tensor without gradients has no direction.
        scales[slot] = ScaleFactor(norm > 0 ? size / norm : 1)
      }
    }

    func apply(_ block: BlockView) {
      kernels.scale(block.output, block.input, by: scales[block.slot], block.count)
    }

    func commit() {
      counter.base[0] += 1
      for index in pending.indices { means.base[index] = pending[index] }
    }
  }
}

/// Adam's direction whose moments start from 0 again every so many updates.
package struct ScaleByResetAdam: NormalizingTransform, Equatable {
  /// The direction between resets.
  package let adam: ScaleByAdam
  /// The number of updates from one reset to the next.
  package let resetEvery: Int

  package var epsilon: Double { adam.epsilon }

  package func validate() throws {
    try adam.validate()
    try HyperparameterRange.integer(atLeast: 2).check(
      "stableSPAM", "resetEvery", Double(resetEvery))
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, try adam.bindInspected(to: context))
  }

  private final class Bound: InspectedTransform {
    private let rule: ScaleByResetAdam
    private let base: any InspectedTransform
    private var resets = false
    var state: [StateEntry] { base.state }

    init(_ rule: ScaleByResetAdam, _ base: any InspectedTransform) {
      self.rule = rule
      self.base = base
    }

    func prepare(_ step: StepContext) {
      let since = step.update % rule.resetEvery
      resets = since == 0
      // Bias corrections count from the reset.
      base.prepare(
        StepContext(
          step: step.step, update: step.update < rule.resetEvery ? step.update : since + 1,
          measurements: step.measurements, rateScale: step.rateScale, rateFactor: step.rateFactor))
    }

    func apply(_ block: BlockView) {
      if resets, let adam = base as? BoundAdam {
        for moment in [adam.first, adam.second] {
          (moment.base + block.offset).update(repeating: 0, count: block.count)
        }
      }
      base.apply(block)
    }

    func commit() { base.commit() }
  }
}

extension Chain {
  /// Stable-SPAM by its paper: spikes of single values limited, each tensor's norm held to its own history,
  /// Adam with resets of its moments.
  ///
  /// Behind ``GradientTransform/clipSpikes(decay:scope:)`` a tensor's gradient is divided by its norm and
  /// multiplied by m̂/(√v̂ + ε), with m and v running means of norms and of their squares. Adam's moments, and
  /// its bias corrections, start anew every `resetEvery` updates. Decay is AdamW's. (Huang et al. 2025,
  /// "Stable-SPAM: How to train in 4-bit more stably than 16-bit Adam", 2502.17055.)
  package static func stableSPAM(
    learningRate: Schedule = 1e-3, weightDecay: Double = 0, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-8, gamma1: Double = 0.7, gamma2: Double = 0.9,
    theta: Double = 0.999, resetEvery: Int = 1000
  ) -> Chain {
    Chain(
      [
        SpikeClip(decay: theta),
        AdaptiveNorm(mean: gamma1, square: gamma2, epsilon: epsilon),
        ScaleByResetAdam(
          adam: ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon), resetEvery: resetEvery),
      ] + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let stableSPAMEntry = Entry<Optimizer>(
    "stableSPAM", "SPAM with limits that follow each tensor's history, by its paper",
    learningRate: 1e-3,
    [
      .beta1, .beta2(), .epsilon(1e-8),
      .with("gamma1", .decayRate, 0.7, "the weight of the past in the mean of norms"),
      .with("gamma2", .decayRate, 0.9, "the weight of the past in the mean of their squares"),
      .with("theta", .decayRate, 0.999, "the weight of the past in the mean of largest values"),
      .with("resetEvery", .count(from: 2), 1000, "the steps from one reset to the next"),
      .weightDecay(),
    ]
  ) { values, rate in
    .stableSPAM(
      learningRate: rate, weightDecay: values["weightDecay"], beta1: values["beta1"],
      beta2: values["beta2"], epsilon: values["epsilon"], gamma1: values["gamma1"],
      gamma2: values["gamma2"], theta: values["theta"], resetEvery: values["resetEvery"])
  }
}
