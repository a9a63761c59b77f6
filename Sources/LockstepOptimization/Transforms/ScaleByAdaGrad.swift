import LockstepCatalog
import LockstepEngine

/// AdaGrad's direction: s = s + u², u = u / (√s + ε) / (1 + t · decay), with t counted from 0.
package struct ScaleByAdaGrad: NormalizingTransform, Equatable {
  /// The value that s starts with, at least 0. (`initial_accumulator_value` in PyTorch and Keras.)
  package let initialAccumulator: Double
  /// ε, at least 0.
  package let epsilon: Double
  /// The decay in the formula, at least 0. (PyTorch's `lr_decay`.)
  package let learningRateDecay: Double
  /// Where ε stands.
  package let placement: ScaleByRMS.Epsilon

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `Adagrad`.
  package init(
    initialAccumulator: Double = 0, epsilon: Double = 1e-10, learningRateDecay: Double = 0,
    placement: ScaleByRMS.Epsilon = .outside
  ) {
    self.initialAccumulator = initialAccumulator
    self.epsilon = epsilon
    self.learningRateDecay = learningRateDecay
    self.placement = placement
  }

  package func validate() throws {
    typealias R = HyperparameterRange
    try R.nonNegative.check("adagrad", "initialAccumulator", initialAccumulator)
    try R.nonNegative.check("adagrad", "epsilon", epsilon)
    try R.nonNegative.check("adagrad", "learningRateDecay", learningRateDecay)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let rule: ScaleByAdaGrad
    private let kernels: Kernels
    private let sum: Arena<Float>
    private var factor: Float = 1
    let state: [StateEntry]

    init(_ rule: ScaleByAdaGrad, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      sum = context.makeArena(filledWith: Float(rule.initialAccumulator))
      state = [context.entry("accumulator", sum)]
    }

    func prepare(_ step: StepContext) {
      factor = Float(1 / (1 + Double(step.update - 1) * rule.learningRateDecay))
    }

    func apply(_ block: BlockView) {
      kernels.update.adagrad(
        block.output, block.input, sum.base + block.offset, factor, Float(rule.epsilon),
        rule.placement == .inside ? 1 : 0, block.count)
    }
  }
}

/// AdaDelta's direction: u · √(d + ε) / √(v + ε) with running means v of u² and d of the squared
/// results. (Zeiler 2012.)
package struct ScaleByAdaDelta: GradientTransform, Equatable {
  /// ρ, the weight of the past in v and d, in 0..<1.
  package let rho: Double
  /// ε, above 0.
  package let epsilon: Double

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `Adadelta`.
  package init(rho: Double = 0.9, epsilon: Double = 1e-6) {
    self.rho = rho
    self.epsilon = epsilon
  }

  package func validate() throws {
    try HyperparameterRange.decayRate.check("adadelta", "rho", rho)
    try HyperparameterRange.positive.check("adadelta", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let rule: ScaleByAdaDelta
    private let kernels: Kernels
    private let second: Arena<Float>
    private let moved: Arena<Float>
    let state: [StateEntry]

    init(_ rule: ScaleByAdaDelta, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      second = context.makeArena()
      moved = context.makeArena()
      state = [context.entry("secondMoment", second), context.entry("squaredUpdates", moved)]
    }

    func apply(_ block: BlockView) {
      kernels.update.adadelta(
        block.output, block.input, second.base + block.offset, moved.base + block.offset,
        Float(rule.rho), Float(1 - rule.rho), Float(rule.epsilon), block.count)
    }
  }
}

extension Chain {
  /// `torch.optim.Adagrad`: u = η / (1 + t · decay) · g / (√s + ε).
  public static func adagrad(
    learningRate: Schedule = 1e-2, learningRateDecay: Double = 0, weightDecay: Double = 0,
    initialAccumulator: Double = 0, epsilon: Double = 1e-10
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [
        ScaleByAdaGrad(
          initialAccumulator: initialAccumulator, epsilon: epsilon,
          learningRateDecay: learningRateDecay),
        ScaleByLearningRate(learningRate),
      ])
  }

  static let adagradEntry = Entry<Optimizer>(
    "adagrad", "AdaGrad, PyTorch", learningRate: 1e-2,
    [
      .with(
        "learningRateDecay", .nonNegative, 0,
        "how fast the learning rate falls, 1 / (1 + t · decay)"), .weightDecay(),
      .initialAccumulator(0), .epsilon(1e-10),
    ]
  ) { values, rate in
    .adagrad(
      learningRate: rate, learningRateDecay: values["learningRateDecay"],
      weightDecay: values["weightDecay"], initialAccumulator: values["initialAccumulator"],
      epsilon: values["epsilon"])
  }

  /// `keras.optimizers.Adagrad`: accumulators start at 0.1, ε inside the root.
  public static func adagradKeras(
    learningRate: Schedule = 1e-3, initialAccumulator: Double = 0.1, epsilon: Double = 1e-7,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [
        ScaleByAdaGrad(
          initialAccumulator: initialAccumulator, epsilon: epsilon, placement: .inside)
      ] + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let adagradKerasEntry = Entry<Optimizer>(
    "adagradKeras", "AdaGrad, Keras", learningRate: 1e-3,
    [.initialAccumulator(0.1), .epsilon(1e-7), .weightDecay()]
  ) { values, rate in
    .adagradKeras(
      learningRate: rate, initialAccumulator: values["initialAccumulator"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
  }

  /// `torch.optim.Adadelta`.
  public static func adadelta(
    learningRate: Schedule = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [
        ScaleByAdaDelta(rho: rho, epsilon: epsilon), ScaleByLearningRate(learningRate),
      ])
  }

  static let adadeltaEntry = Entry<Optimizer>(
    "adadelta", "AdaDelta, PyTorch", learningRate: 1,
    [.rho(0.9), .with("epsilon", .positive, 1e-6, "added to the means of squares"), .weightDecay()]
  ) { values, rate in
    .adadelta(
      learningRate: rate, rho: values["rho"], epsilon: values["epsilon"],
      weightDecay: values["weightDecay"])
  }

  /// `keras.optimizers.Adadelta`.
  public static func adadeltaKeras(
    learningRate: Schedule = 1e-3, rho: Double = 0.95, epsilon: Double = 1e-7,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByAdaDelta(rho: rho, epsilon: epsilon)] + decoupled(weightDecay)
        + [ScaleByLearningRate(learningRate)])
  }

  static let adadeltaKerasEntry = Entry<Optimizer>(
    "adadeltaKeras", "AdaDelta, Keras", learningRate: 1e-3,
    [
      .rho(0.95), .with("epsilon", .positive, 1e-7, "added to the means of squares"),
      .weightDecay(),
    ]
  ) { values, rate in
    .adadeltaKeras(
      learningRate: rate, rho: values["rho"], epsilon: values["epsilon"],
      weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// AdaGrad's direction: s = s + u², u = u / (√s + ε) / (1 + t · decay), with t counted from 0.
  ///
  /// Keras has ε inside the root and starts s at 0.1. (Duchi et al. 2011.)
  ///
  /// - Parameter initialAccumulator: the first value of the sums of squares.
  public static func scaleByAdaGrad(
    initialAccumulator: Double = 0, epsilon: Double = 1e-10, learningRateDecay: Double = 0
  ) -> some GradientTransform {
    ScaleByAdaGrad(
      initialAccumulator: initialAccumulator, epsilon: epsilon, learningRateDecay: learningRateDecay
    )
  }
}

extension GradientTransform where Self == Provided {
  /// AdaDelta's direction: u · √(d + ε) / √(v + ε) with running means v of u² and d of the squared
  /// results. (Zeiler 2012.)
  ///
  /// - Parameter rho: the decay of both averages.
  public static func scaleByAdaDelta(rho: Double = 0.9, epsilon: Double = 1e-6)
    -> some GradientTransform
  {
    ScaleByAdaDelta(rho: rho, epsilon: epsilon)
  }
}
