/// Optimizers with PyTorch's formulas, names and defaults. `weightDecay` is coupled (added to the
/// gradient behind the clip) unless the optimizer says otherwise.
extension Chain {
  /// `torch.optim.SGD`: u = η (g + λp), with momentum b = μb + (1 − dampening) u.
  public static func sgd(
    learningRate: Schedule = 1e-3, momentum: Double = 0, dampening: Double = 0,
    weightDecay: Double = 0, nesterov: Bool = false
  ) -> Chain {
    Chain(
      decay(weightDecay)
        + (momentum == 0 && !nesterov
          ? [] : [Momentum(momentum, dampening: dampening, nesterov: nesterov)])
        + [ScaleByLearningRate(learningRate)])
  }

  /// `torch.optim.RMSprop`: u = η g / (√v + ε), with momentum on the quotient.
  public static func rmsprop(
    learningRate: Schedule = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8,
    weightDecay: Double = 0, momentum: Double = 0, centered: Bool = false
  ) -> Chain {
    Chain(
      decay(weightDecay) + [ScaleByRMS(alpha: alpha, epsilon: epsilon, centered: centered)]
        + (momentum == 0 ? [] : [Momentum(momentum)]) + [ScaleByLearningRate(learningRate)])
  }

  /// `torch.optim.Adagrad`: u = η / (1 + t · decay) · g / (√s + ε).
  public static func adagrad(
    learningRate: Schedule = 1e-2, learningRateDecay: Double = 0, weightDecay: Double = 0,
    initialAccumulator: Double = 0, epsilon: Double = 1e-10
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
        ScaleByAdaGrad(
          initialAccumulator: initialAccumulator, epsilon: epsilon,
          learningRateDecay: learningRateDecay),
        ScaleByLearningRate(learningRate),
      ])
  }

  /// `torch.optim.Adadelta`.
  public static func adadelta(
    learningRate: Schedule = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
        ScaleByAdaDelta(rho: rho, epsilon: epsilon), ScaleByLearningRate(learningRate),
      ])
  }

  /// `torch.optim.Adam`: u = η m̂ / (√v̂ + ε).
  public static func adam(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, amsgrad: Bool = false
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
        ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
        ScaleByLearningRate(learningRate),
      ])
  }

  /// `torch.optim.AdamW`: Adam with decoupled decay, u = η (m̂ / (√v̂ + ε) + λp).
  public static func adamW(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 1e-2, amsgrad: Bool = false
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  /// `torch.optim.NAdam`.
  public static func nadam(
    learningRate: Schedule = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, momentumDecay: Double = 4e-3
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
        ScaleByNAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, momentumDecay: momentumDecay),
        ScaleByLearningRate(learningRate),
      ])
  }

  /// `torch.optim.RAdam`.
  public static func radam(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
        ScaleByRAdam(beta1: beta1, beta2: beta2, epsilon: epsilon),
        ScaleByLearningRate(learningRate),
      ])
  }

  /// Lion by its paper: u = η (sign(β₁m + (1 − β₁)g) + λp), decoupled decay.
  public static func lion(
    learningRate: Schedule = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByLion(beta1: beta1, beta2: beta2)] + decoupled(weightDecay)
        + [ScaleByLearningRate(learningRate)])
  }

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

  /// LAMB by its paper: u = η ‖p‖ / ‖r + λp‖ · (r + λp) with Adam's r.
  public static func lamb(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-6, weightDecay: Double = 0.01
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon)] + decoupled(weightDecay)
        + [ScaleByTrustRatio(), ScaleByLearningRate(learningRate)])
  }

  private static func decay(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [WeightDecay(rate)]
  }

  static func decoupled(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate)]
  }
}
