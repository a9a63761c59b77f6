internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// AdEMAMix's direction: Adam's with a second, slow average of gradients beside the fast one.
package struct ScaleByAdEMAMix: NormalizingTransform, Equatable {
  /// β₁, the weight of the past in m₁, in 0..<1.
  package let beta1: Double
  /// β₂, the weight of the past in v, in 0..<1.
  package let beta2: Double
  /// β₃, the weight of the past in m₂, in 0..<1.
  package let beta3: Double
  /// α, the part of the slow average, at least 0.
  package let alpha: Double
  /// T, the number of updates over which α and β₃ rise; 0 for none. (The paper takes all of them.)
  package let warmup: Int
  /// ε, at least 0.
  package let epsilon: Double

  /// Makes a direction with these numbers; the defaults are those of the authors' code.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, beta3: Double = 0.9999, alpha: Double = 2,
    warmup: Int = 0, epsilon: Double = 1e-8
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.beta3 = beta3
    self.alpha = alpha
    self.warmup = warmup
    self.epsilon = epsilon
  }

  package func validate() throws {
    try checkBetas("adEMAMix", beta1, beta2)
    try HyperparameterRange.decayRate.check("adEMAMix", "beta3", beta3)
    try HyperparameterRange.nonNegative.check("adEMAMix", "alpha", alpha)
    try HyperparameterRange.integer(atLeast: 0).check("adEMAMix", "warmup", Double(warmup))
    try HyperparameterRange.nonNegative.check("adEMAMix", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    BoundAdEMAMix(self, context)
  }

  /// α and β₃ of an update, counted from 1.
  func slow(update: Int) -> (alpha: Double, beta3: Double) {
    if update >= warmup { return (alpha, beta3) }
    let part = Double(update) / Double(warmup)
    // 1 / ln β, which is −0 for β = 0.
    func inverse(_ beta: Double) -> Double { beta > 0 ? 1 / ExactMath.logarithm(beta) : -0.0 }
    let sum = (1 - part) * inverse(beta1) + part * inverse(beta3)
    return (alpha * part, sum < 0 ? ExactMath.exponential(1 / sum) : 0)
  }
}

extension Chain {
  /// AdEMAMix by its paper: u = η ((m̂₁ + α m₂) / (√v̂ + ε) + λp), decoupled decay.
  public static func adEMAMix(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    beta3: Double = 0.9999, alpha: Double = 2, warmup: Int = 0, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [
        ScaleByAdEMAMix(
          beta1: beta1, beta2: beta2, beta3: beta3, alpha: alpha, warmup: warmup,
          epsilon: epsilon)
      ] + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let adEMAMixEntry = Entry<Optimizer>(
    "adEMAMix", "Adam with a second, slow mean, by its paper", learningRate: 1e-3,
    [
      .beta1, .beta2(),
      .with("beta3", .decayRate, 0.9999, "the weight of the past in the slow mean"),
      .with("alpha", .nonNegative, 2, "the part of the slow mean"),
      .with("warmup", .count(from: 0), 0, "the updates over which alpha and beta3 rise"),
      .epsilon(1e-8), .weightDecay(),
    ]
  ) { values, rate in
    .adEMAMix(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"], beta3: values["beta3"],
      alpha: values["alpha"], warmup: values["warmup"], epsilon: values["epsilon"],
      weightDecay: values["weightDecay"])
  }
}

private final class BoundAdEMAMix: InspectedTransform {
  private let rule: ScaleByAdEMAMix
  private let kernels: Kernels
  private let fast: Arena<Float>
  private let slow: Arena<Float>
  private let second: Arena<Float>
  let state: [StateEntry]
  private var constants = lockstep_ademamix()

  init(_ rule: ScaleByAdEMAMix, _ context: TransformContext) {
    self.rule = rule
    kernels = context.kernels
    fast = context.makeArena()
    slow = context.makeArena()
    second = context.makeArena()
    state = [
      context.entry("firstMoment", fast), context.entry("slowMoment", slow),
      context.entry("secondMoment", second),
    ]
  }

  func prepare(_ step: StepContext) {
    let (alpha, beta3) = rule.slow(update: step.update)
    constants = lockstep_ademamix(
      one_minus_beta1: Float(1 - rule.beta1), beta2: Float(rule.beta2),
      one_minus_beta2: Float(1 - rule.beta2), one_minus_beta3: Float(1 - beta3),
      fast: Float(1 / (1 - ExactMath.power(rule.beta1, step.update))), slow: Float(alpha),
      denominator: Float(1 / (1 - ExactMath.power(rule.beta2, step.update)).squareRoot()),
      epsilon: Float(rule.epsilon))
  }

  func apply(_ block: BlockView) {
    kernels.update.ademamix(
      block.output, block.input, fast.base + block.offset, slow.base + block.offset,
      second.base + block.offset, &constants, block.count)
  }
}

extension GradientTransform where Self == Provided {
  /// AdEMAMix's direction: Adam's with a second, slow average of gradients beside the fast one.
  ///
  /// m₁ = β₁ m₁ + (1 − β₁) u, m₂ = β₃(t) m₂ + (1 − β₃(t)) u, v = β₂ v + (1 − β₂) u²,
  /// u = (m₁ / (1 − β₁ᵗ) + α(t) m₂) / (√(v / (1 − β₂ᵗ)) + ε). Over the first T = `warmup` updates
  /// α(t) = α t/T and β₃(t) = exp(ln β₁ ln β₃ / ((1 − t/T) ln β₃ + t/T ln β₁)); α and β₃ from then on.
  /// (Pagliardini, Ablin & Grangier 2024, "The AdEMAMix optimizer: better, faster, older",
  /// algorithm 1.)
  ///
  /// - Parameter warmup: the number of steps over which beta3 and alpha rise; 0 for none.
  public static func scaleByAdEMAMix(
    beta1: Double = 0.9, beta2: Double = 0.999, beta3: Double = 0.9999, alpha: Double = 2,
    warmup: Int = 0, epsilon: Double = 1e-8
  ) -> some GradientTransform {
    ScaleByAdEMAMix(
      beta1: beta1, beta2: beta2, beta3: beta3, alpha: alpha, warmup: warmup, epsilon: epsilon)
  }
}
