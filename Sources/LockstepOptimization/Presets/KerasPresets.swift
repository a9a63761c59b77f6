/// Optimizers with Keras's formulas and defaults, where they differ from PyTorch's. `weightDecay`
/// is always decoupled, p ← p − η λ p, as in Keras.
extension Chain {
  /// `keras.optimizers.SGD`: the velocity holds learning rates, v = μv + ηg.
  public static func sgdKeras(
    learningRate: Schedule = 0.01, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByLearningRate(learningRate)]
        + (momentum == 0 ? [] : [Momentum(momentum, nesterov: nesterov)])
        + outer(weightDecay, learningRate))
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
      ] + (momentum == 0 ? [] : [Momentum(momentum)]) + outer(weightDecay, learningRate))
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

  /// `keras.optimizers.Adadelta`.
  public static func adadeltaKeras(
    learningRate: Schedule = 1e-3, rho: Double = 0.95, epsilon: Double = 1e-7,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByAdaDelta(rho: rho, epsilon: epsilon)] + decoupled(weightDecay)
        + [ScaleByLearningRate(learningRate)])
  }

  /// `keras.optimizers.Adam`: ε beside √v, not √v̂.
  public static func adamKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, placement: .hat)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  /// `keras.optimizers.AdamW`: Keras's Adam with a decay of 0.004 by default.
  public static func adamWKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0.004
  ) -> Chain {
    adamKeras(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad,
      weightDecay: weightDecay)
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

  /// `keras.optimizers.Lion`: the paper's formula with a learning rate of 1e-3 by default.
  public static func lionKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0
  ) -> Chain {
    lion(learningRate: learningRate, beta1: beta1, beta2: beta2, weightDecay: weightDecay)
  }

  /// Decay behind a learning rate that already stands earlier in the chain.
  private static func outer(_ rate: Double, _ schedule: Schedule) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate, scaledBy: schedule)]
  }
}
