import LockstepCatalog

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

  static let sgdEntry = Entry<Optimizer>(
    "sgd", "stochastic gradient descent, PyTorch", learningRate: 1e-3,
    [
      .momentum(),
      .with("dampening", .fraction, 0, "the part of the gradient that momentum leaves out"),
      .weightDecay(), .nesterov,
    ]
  ) { values, rate in
    .sgd(
      learningRate: rate, momentum: values["momentum"], dampening: values["dampening"],
      weightDecay: values["weightDecay"], nesterov: values["nesterov"])
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

  /// `torch.optim.Adadelta`.
  public static func adadelta(
    learningRate: Schedule = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      decay(weightDecay) + [
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

  static let adamEntry = Entry<Optimizer>(
    "adam", "Adam, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay(), .amsgrad]
  ) { values, rate in
    .adam(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"], amsgrad: values["amsgrad"])
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

  static let adamWEntry = Entry<Optimizer>(
    "adamW", "Adam with decoupled weight decay, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay(0.01), .amsgrad]
  ) { values, rate in
    .adamW(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"], amsgrad: values["amsgrad"])
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

  static let radamEntry = Entry<Optimizer>(
    "radam", "rectified Adam, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay()]
  ) { values, rate in
    .radam(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
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

  static let lionEntry = Entry<Optimizer>(
    "lion", "Lion, by its paper", learningRate: 1e-4,
    [.beta1, .beta2(0.99), .weightDecay()]
  ) { values, rate in
    .lion(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      weightDecay: values["weightDecay"])
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

  private static func decay(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [WeightDecay(rate)]
  }

  static func decoupled(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate)]
  }
}
