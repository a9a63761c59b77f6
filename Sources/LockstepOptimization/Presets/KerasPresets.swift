import LockstepCatalog

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

  static let sgdKerasEntry = Entry<Optimizer>(
    "sgdKeras", "stochastic gradient descent, Keras", learningRate: 0.01,
    [.momentum(), .nesterov, .weightDecay()]
  ) { values, rate in
    .sgdKeras(
      learningRate: rate, momentum: values["momentum"], nesterov: values["nesterov"],
      weightDecay: values["weightDecay"])
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

  static let rmspropKerasEntry = Entry<Optimizer>(
    "rmspropKeras", "RMSprop, Keras", learningRate: 1e-3,
    [.rho(0.9), .momentum(), .epsilon(1e-7), .centered, .weightDecay()]
  ) { values, rate in
    .rmspropKeras(
      learningRate: rate, rho: values["rho"], momentum: values["momentum"],
      epsilon: values["epsilon"], centered: values["centered"], weightDecay: values["weightDecay"])
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

  /// `keras.optimizers.Adam`: ε beside √v, not √v̂.
  public static func adamKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, placement: .hat)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let adamKerasEntry = Entry<Optimizer>(
    "adamKeras", "Adam, Keras", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-7), .amsgrad, .weightDecay()]
  ) { values, rate in
    .adamKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], amsgrad: values["amsgrad"], weightDecay: values["weightDecay"])
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

  static let adamWKerasEntry = Entry<Optimizer>(
    "adamWKeras", "Adam with decoupled weight decay, Keras", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-7), .amsgrad, .weightDecay(0.004)]
  ) { values, rate in
    .adamWKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], amsgrad: values["amsgrad"], weightDecay: values["weightDecay"])
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

  /// `keras.optimizers.Lion`: the paper's formula with a learning rate of 1e-3 by default.
  public static func lionKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0
  ) -> Chain {
    lion(learningRate: learningRate, beta1: beta1, beta2: beta2, weightDecay: weightDecay)
  }

  static let lionKerasEntry = Entry<Optimizer>(
    "lionKeras", "Lion, Keras", learningRate: 1e-3,
    [.beta1, .beta2(0.99), .weightDecay()]
  ) { values, rate in
    .lionKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      weightDecay: values["weightDecay"])
  }

  /// Decay behind a learning rate that already stands earlier in the chain.
  private static func outer(_ rate: Double, _ schedule: Schedule) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate, scaledBy: schedule)]
  }
}
