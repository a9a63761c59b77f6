internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// NAdam's direction: Adam with Nesterov's look-ahead and a momentum that warms up.
package struct ScaleByNAdam: NormalizingTransform, Equatable {
  /// β₁, the weight of the past in m, and the value that μ rises to; in 0..<1.
  package let beta1: Double
  /// β₂, the weight of the past in v, in 0..<1.
  package let beta2: Double
  /// ε, at least 0.
  package let epsilon: Double
  /// ψ.
  package let momentumDecay: Double

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `NAdam`.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    momentumDecay: Double = 0.004
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.momentumDecay = momentumDecay
  }

  package func validate() throws {
    try checkBetas("nadam", beta1, beta2)
    try HyperparameterRange.nonNegative.check("nadam", "epsilon", epsilon)
    try HyperparameterRange.nonNegative.check("nadam", "momentumDecay", momentumDecay)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let rule: ScaleByNAdam
    private let kernels: Kernels
    private let first: Arena<Float>
    private let second: Arena<Float>
    private let product: Arena<Double>
    private var nextProduct = 1.0
    private var constants = lockstep_nadam()
    let state: [StateEntry]

    init(_ rule: ScaleByNAdam, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      first = context.makeArena()
      second = context.makeArena()
      product = Arena(count: 1)
      product.base[0] = 1
      state = [
        context.entry("firstMoment", first), context.entry("secondMoment", second),
        StateEntry("momentumProduct", .doubles(product.buffer)),
      ]
      constants.one_minus_beta1 = Float(1 - rule.beta1)
      constants.beta2 = Float(rule.beta2)
      constants.one_minus_beta2 = Float(1 - rule.beta2)
      constants.epsilon = Float(rule.epsilon)
    }

    var sharedState: String? { "NAdam's product of momenta" }

    func prepare(_ step: StepContext) {
      func momentum(_ t: Int) -> Double {
        rule.beta1 * (1 - 0.5 * ExactMath.power(0.96, Double(t) * rule.momentumDecay))
      }
      let now = momentum(step.update)
      let next = momentum(step.update + 1)
      nextProduct = product.base[0] * now
      constants.gradient = Float((1 - now) / (1 - nextProduct))
      constants.moment = Float(next / (1 - nextProduct * next))
      constants.denominator = Float(
        1 / (1 - ExactMath.power(rule.beta2, step.update)).squareRoot())
    }

    func apply(_ block: BlockView) {
      kernels.update.nadam(
        block.output, block.input, first.base + block.offset, second.base + block.offset,
        &constants, block.count)
    }

    func commit() { product.base[0] = nextProduct }
  }
}

extension Chain {
  /// `torch.optim.NAdam`.
  public static func nadam(
    learningRate: Schedule = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, momentumDecay: Double = 4e-3
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [
        ScaleByNAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, momentumDecay: momentumDecay),
        ScaleByLearningRate(learningRate),
      ])
  }

  static let nadamEntry = Entry<Optimizer>(
    "nadam", "Adam with Nesterov's look-ahead, PyTorch", learningRate: 2e-3,
    [
      .beta1, .beta2(), .epsilon(1e-8), .weightDecay(),
      .with("momentumDecay", .nonNegative, 4e-3, "how fast the momentum rises to beta1"),
    ]
  ) { values, rate in
    .nadam(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"],
      momentumDecay: values["momentumDecay"])
  }

  /// `keras.optimizers.Nadam`: ψ = 1.
  public static func nadamKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByNAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, momentumDecay: 1)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let nadamKerasEntry = Entry<Optimizer>(
    "nadamKeras", "Adam with Nesterov's look-ahead, Keras", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-7), .weightDecay()]
  ) { values, rate in
    .nadamKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// NAdam's direction: Adam with Nesterov's look-ahead and a momentum that warms up.
  ///
  /// μₜ = β₁ (1 − ½ 0.96^(t ψ)), u = (u (1 − μₜ)/(1 − Πμ) + m μₜ₊₁/(1 − μₜ₊₁ Πμ)) / (√v̂ + ε).
  /// PyTorch has ψ = 0.004 (`momentum_decay`), Keras and the paper ψ = 1. (Dozat 2016.)
  public static func scaleByNAdam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    momentumDecay: Double = 0.004
  ) -> some GradientTransform {
    ScaleByNAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, momentumDecay: momentumDecay)
  }
}
