import LockstepCatalog
import LockstepEngine

/// Multiplies each tensor's update by η ‖p‖ / (‖u‖ + ε): LAMB's layer-wise rate.
package struct ScaleByTrustRatio: GradientTransform, Equatable {
  /// η.
  package let coefficient: Double
  /// ε, at least 0.
  package let epsilon: Double

  /// Makes a rate with η = `coefficient`.
  package init(coefficient: Double = 1, epsilon: Double = 0) {
    self.coefficient = coefficient
    self.epsilon = epsilon
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("trust ratio", "trustCoefficient", coefficient)
    try HyperparameterRange.nonNegative.check("trust ratio", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    let rule = self
    return BoundTrustRatio(context, decay: 0) { weights, update, _ in
      weights == 0 || update == 0 ? 1 : rule.coefficient * weights / (update + rule.epsilon)
    }
  }
}

/// LARS's layer-wise rate with its weight decay: u = η ‖p‖ / (‖u‖ + β ‖p‖ + ε) · (u + β p).
package struct ScaleByLARS: GradientTransform, Equatable {
  /// η.
  package let trustCoefficient: Double
  /// β.
  package let weightDecay: Double
  /// ε, at least 0.
  package let epsilon: Double

  /// Makes a rate with η = `trustCoefficient` and β = `weightDecay`.
  package init(trustCoefficient: Double = 0.001, weightDecay: Double = 0, epsilon: Double = 0) {
    self.trustCoefficient = trustCoefficient
    self.weightDecay = weightDecay
    self.epsilon = epsilon
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("lars", "trustCoefficient", trustCoefficient)
    try HyperparameterRange.nonNegative.check("lars", "weightDecay", weightDecay)
    try HyperparameterRange.nonNegative.check("lars", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    let rule = self
    return BoundTrustRatio(context, decay: weightDecay) { weights, update, decay in
      weights == 0 || update == 0
        ? 1 : rule.trustCoefficient * weights / (update + decay * weights + rule.epsilon)
    }
  }
}

private final class BoundTrustRatio: InspectedTransform {
  private let kernels: Kernels
  private let ratio: (Double, Double, Double) -> Double
  private let decays: [Double]
  private var factors: [ScaleFactor]
  let measures: [Measure] = [.update(.two), .parameters]

  init(
    _ context: TransformContext, decay: Double,
    ratio: @escaping (_ weights: Double, _ update: Double, _ decay: Double) -> Double
  ) {
    kernels = context.kernels
    self.ratio = ratio
    decays = context.weightDecayFactors.map { $0 * decay }
    factors = Array(repeating: ScaleFactor(1), count: decays.count)
  }

  func prepare(_ step: StepContext) {
    for slot in factors.indices {
      factors[slot] = ScaleFactor(
        ratio(
          step.measurements.norm(.parameters, slot: slot),
          step.measurements.norm(.update(.two), slot: slot), decays[slot]))
    }
  }

  func apply(_ block: BlockView) {
    var input = block.input
    if decays[block.slot] != 0 {
      kernels.update.add_scaled(
        block.output, input, block.parameters, Float(decays[block.slot]), block.count)
      input = UnsafePointer(block.output)
    }
    kernels.scale(block.output, input, by: factors[block.slot], block.count)
  }
}

extension Chain {
  /// LARS by its paper: the layer-wise rate η ‖p‖ / (‖g‖ + β‖p‖), inside momentum.
  public static func lars(
    learningRate: Schedule = 0.1, momentum: Double = 0.9, weightDecay: Double = 0,
    trustCoefficient: Double = 1e-3, epsilon: Double = 0
  ) -> Chain {
    Chain(
      [
        ScaleByLARS(
          trustCoefficient: trustCoefficient, weightDecay: weightDecay, epsilon: epsilon),
        ScaleByLearningRate(learningRate),
      ] + (momentum == 0 ? [] : [Momentum(momentum)]))
  }

  static let larsEntry = Entry<Optimizer>(
    "lars", "layer-wise rates inside momentum, by its paper", learningRate: 0.1,
    [
      .momentum(0.9), .weightDecay(),
      .with("trustCoefficient", .positive, 1e-3, "the factor of the layer-wise rate"), .epsilon(0),
    ]
  ) { values, rate in
    .lars(
      learningRate: rate, momentum: values["momentum"], weightDecay: values["weightDecay"],
      trustCoefficient: values["trustCoefficient"], epsilon: values["epsilon"])
  }

  /// LAMB by its paper: u = η ‖p‖ / ‖r + λp‖ · (r + λp) with Adam's r.
  public static func lamb(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-6, weightDecay: Double = 0.01
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon)] + decoupled(weightDecay)
        + [ScaleByTrustRatio(), ScaleByLearningRate(learningRate)])
  }

  static let lambEntry = Entry<Optimizer>(
    "lamb", "Adam with layer-wise rates, by its paper", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-6), .weightDecay(0.01)]
  ) { values, rate in
    .lamb(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// Multiplies each tensor's update by η ‖p‖ / (‖u‖ + ε): LAMB's layer-wise rate.
  ///
  /// Where ‖p‖ or ‖u‖ is 0 the factor is 1. (You et al. 2020, algorithm 2, φ the identity.)
  public static func scaleByTrustRatio(coefficient: Double = 1, epsilon: Double = 0)
    -> some GradientTransform
  {
    ScaleByTrustRatio(coefficient: coefficient, epsilon: epsilon)
  }
}

extension GradientTransform where Self == Provided {
  /// LARS's layer-wise rate with its weight decay: u = η ‖p‖ / (‖u‖ + β ‖p‖ + ε) · (u + β p).
  ///
  /// Where ‖p‖ or ‖u‖ is 0 the factor is 1. β is the slot's weight decay. (You et al. 2017,
  /// algorithm 1.)
  public static func scaleByLARS(
    trustCoefficient: Double = 0.001, weightDecay: Double = 0, epsilon: Double = 0
  ) -> some GradientTransform {
    ScaleByLARS(trustCoefficient: trustCoefficient, weightDecay: weightDecay, epsilon: epsilon)
  }
}
