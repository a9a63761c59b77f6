internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// RMSprop's direction: u / (√v + ε) with v = α v + (1 − α) u², or u / √(v + ε).
package struct ScaleByRMS: NormalizingTransform, Equatable {
  /// Where ε stands.
  package enum Epsilon: Sendable, Equatable {
    /// √v + ε: PyTorch.
    case outside
    /// √(v + ε): Keras.
    case inside
  }

  /// α, the weight of the past in v and a, in 0..<1. (PyTorch's `alpha`, Keras's `rho`.)
  package let alpha: Double
  /// ε, at least 0.
  package let epsilon: Double
  /// Whether v − a² takes v's place. (`centered` in PyTorch and Keras.)
  package let centered: Bool
  /// Where ε stands.
  package let placement: Epsilon

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `RMSprop`.
  package init(
    alpha: Double = 0.99, epsilon: Double = 1e-8, centered: Bool = false,
    placement: Epsilon = .outside
  ) {
    self.alpha = alpha
    self.epsilon = epsilon
    self.centered = centered
    self.placement = placement
  }

  package func validate() throws {
    try HyperparameterRange.decayRate.check("rmsprop", "alpha", alpha)
    try HyperparameterRange.nonNegative.check("rmsprop", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let kernels: Kernels
    private let second: Arena<Float>
    private let mean: Arena<Float>?
    private var constants: lockstep_rms
    let state: [StateEntry]

    init(_ rule: ScaleByRMS, _ context: TransformContext) {
      kernels = context.kernels
      second = context.makeArena()
      mean = rule.centered ? context.makeArena() : nil
      var entries = [context.entry("secondMoment", second)]
      if let mean { entries.append(context.entry("mean", mean)) }
      state = entries
      constants = lockstep_rms(
        alpha: Float(rule.alpha), one_minus_alpha: Float(1 - rule.alpha),
        epsilon: Float(rule.epsilon), inside: rule.placement == .inside ? 1 : 0)
    }

    func apply(_ block: BlockView) {
      kernels.update.rms(
        block.output, block.input, second.base + block.offset,
        mean.map { $0.base + block.offset }, &constants, block.count)
    }
  }
}

extension Chain {
  /// `torch.optim.RMSprop`: u = η g / (√v + ε), with momentum on the quotient.
  public static func rmsprop(
    learningRate: Schedule = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8,
    weightDecay: Double = 0, momentum: Double = 0, centered: Bool = false
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [ScaleByRMS(alpha: alpha, epsilon: epsilon, centered: centered)]
        + (momentum == 0 ? [] : [Momentum(momentum)]) + [ScaleByLearningRate(learningRate)])
  }

  static let rmspropEntry = Entry<Optimizer>(
    "rmsprop", "RMSprop, PyTorch", learningRate: 1e-2,
    [
      .with("alpha", .decayRate, 0.99, "the weight of the past in the mean of squares"),
      .epsilon(1e-8), .weightDecay(), .momentum(), .centered,
    ]
  ) { values, rate in
    .rmsprop(
      learningRate: rate, alpha: values["alpha"], epsilon: values["epsilon"],
      weightDecay: values["weightDecay"], momentum: values["momentum"], centered: values["centered"]
    )
  }

  /// `keras.optimizers.RMSprop`: ε inside the root, the learning rate inside momentum.
  public static func rmspropKeras(
    learningRate: Schedule = 1e-3, rho: Double = 0.9, momentum: Double = 0,
    epsilon: Double = 1e-7, centered: Bool = false, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [
        ScaleByRMS(alpha: rho, epsilon: epsilon, centered: centered, placement: .inside),
        ScaleByLearningRate(learningRate),
      ] + (momentum == 0 ? [] : [Momentum(momentum)])
        + decoupled(weightDecay, scaledBy: learningRate))
  }

  static let rmspropKerasEntry = Entry<Optimizer>(
    "rmspropKeras", "RMSprop, Keras", learningRate: 1e-3,
    [.rho(0.9), .momentum(), .epsilon(1e-7), .centered, .weightDecay()]
  ) { values, rate in
    .rmspropKeras(
      learningRate: rate, rho: values["rho"], momentum: values["momentum"],
      epsilon: values["epsilon"], centered: values["centered"], weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// RMSprop's direction: u / (√v + ε) with v = α v + (1 − α) u², or u / √(v + ε).
  ///
  /// Centered, v − a² takes v's place, with a the running mean of u; it is held at 0 from below, where
  /// rounding would otherwise make a root of a negative number. (Hinton's lecture 6e; Graves 2013.)
  ///
  /// - Parameters:
  ///   - alpha: the decay of the average of squares.
  ///   - centered: whether the average's square is subtracted.
  public static func scaleByRMS(
    alpha: Double = 0.99, epsilon: Double = 1e-8, centered: Bool = false
  ) -> some GradientTransform {
    ScaleByRMS(alpha: alpha, epsilon: epsilon, centered: centered)
  }
}
