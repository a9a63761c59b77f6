/// The optimizers by name, with keys, defaults and ranges: what a configuration reader needs.
public enum OptimizerCatalog {
  private struct Item: Sendable {
    let entry: CatalogEntry
    let make: @Sendable (ResolvedValues, Schedule) -> Chain

    init(
      _ name: String, _ summary: String, learningRate: Double, _ parameters: [Hyperparameter],
      _ make: @escaping @Sendable (ResolvedValues, Schedule) -> Chain
    ) {
      entry = CatalogEntry(
        name, summary,
        [Hyperparameter("learningRate", .number(learningRate), .nonNegative)] + parameters)
      self.make = make
    }
  }

  /// All optimizers, in the order of documentation.
  public static let entries: [CatalogEntry] = items.map(\.entry)

  /// Makes an optimizer's chain.
  ///
  /// - Parameters:
  ///   - name: an entry's name.
  ///   - values: values by key; keys left out have their defaults.
  ///   - schedule: makes the schedule from the learning rate; constant by default.
  /// - Throws: ``HyperparameterError``.
  public static func make(
    _ name: String, values: [String: HyperparameterValue] = [:],
    schedule: (Double) throws -> Schedule = { .constant($0) }
  ) throws -> Chain {
    let entry = try entries.entry(name, kind: "optimizer")
    let resolved = try entry.resolve(values)
    let rate = try schedule(resolved.number("learningRate"))
    let chain = items.first { $0.entry.name == name }!.make(resolved, rate)
    try chain.validate()
    return chain
  }

  private static func betas(_ beta2: Double = 0.999) -> [Hyperparameter] {
    [.init("beta1", 0.9, .decayRate), .init("beta2", .number(beta2), .decayRate)]
  }
  private static func epsilon(_ value: Double) -> Hyperparameter {
    .init("epsilon", .number(value), .nonNegative)
  }
  private static func decay(_ value: Double = 0) -> Hyperparameter {
    .init("weightDecay", .number(value), .nonNegative)
  }
  private static func flag(_ key: String) -> Hyperparameter { .init(key, false, .boolean) }
  private static let momentum = Hyperparameter("momentum", 0, .nonNegative)

  private static let items: [Item] = pyTorch + papers + keras

  private static let pyTorch: [Item] = [
    Item(
      "sgd", "stochastic gradient descent, PyTorch", learningRate: 1e-3,
      [momentum, .init("dampening", 0, .fraction), decay(), flag("nesterov")]
    ) {
      .sgd(
        learningRate: $1, momentum: $0.number("momentum"), dampening: $0.number("dampening"),
        weightDecay: $0.number("weightDecay"), nesterov: $0.flag("nesterov"))
    },
    Item(
      "rmsprop", "RMSprop, PyTorch", learningRate: 1e-2,
      [
        .init("alpha", 0.99, .decayRate), epsilon(1e-8), decay(), momentum, flag("centered"),
      ]
    ) {
      .rmsprop(
        learningRate: $1, alpha: $0.number("alpha"), epsilon: $0.number("epsilon"),
        weightDecay: $0.number("weightDecay"), momentum: $0.number("momentum"),
        centered: $0.flag("centered"))
    },
    Item(
      "adagrad", "AdaGrad, PyTorch", learningRate: 1e-2,
      [
        .init("learningRateDecay", 0, .nonNegative), decay(),
        .init("initialAccumulator", 0, .nonNegative), epsilon(1e-10),
      ]
    ) {
      .adagrad(
        learningRate: $1, learningRateDecay: $0.number("learningRateDecay"),
        weightDecay: $0.number("weightDecay"),
        initialAccumulator: $0.number("initialAccumulator"), epsilon: $0.number("epsilon"))
    },
    Item(
      "adadelta", "AdaDelta, PyTorch", learningRate: 1,
      [.init("rho", 0.9, .decayRate), .init("epsilon", 1e-6, .positive), decay()]
    ) {
      .adadelta(
        learningRate: $1, rho: $0.number("rho"), epsilon: $0.number("epsilon"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "adam", "Adam, PyTorch", learningRate: 1e-3,
      betas() + [epsilon(1e-8), decay(), flag("amsgrad")]
    ) {
      .adam(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"),
        amsgrad: $0.flag("amsgrad"))
    },
    Item(
      "adamW", "Adam with decoupled weight decay, PyTorch", learningRate: 1e-3,
      betas() + [epsilon(1e-8), decay(0.01), flag("amsgrad")]
    ) {
      .adamW(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"),
        amsgrad: $0.flag("amsgrad"))
    },
    Item(
      "nadam", "Adam with Nesterov's look-ahead, PyTorch", learningRate: 2e-3,
      betas() + [epsilon(1e-8), decay(), .init("momentumDecay", 4e-3, .nonNegative)]
    ) {
      .nadam(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"),
        momentumDecay: $0.number("momentumDecay"))
    },
    Item(
      "radam", "rectified Adam, PyTorch", learningRate: 1e-3, betas() + [epsilon(1e-8), decay()]
    ) {
      .radam(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"))
    },
  ]

  private static let papers: [Item] = [
    Item(
      "lion", "Lion, by its paper", learningRate: 1e-4, betas(0.99) + [decay()]
    ) {
      .lion(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "lars", "layer-wise rates inside momentum, by its paper", learningRate: 0.1,
      [
        .init("momentum", 0.9, .nonNegative), decay(),
        .init("trustCoefficient", 1e-3, .positive), epsilon(0),
      ]
    ) {
      .lars(
        learningRate: $1, momentum: $0.number("momentum"), weightDecay: $0.number("weightDecay"),
        trustCoefficient: $0.number("trustCoefficient"), epsilon: $0.number("epsilon"))
    },
    Item(
      "lamb", "Adam with layer-wise rates, by its paper", learningRate: 1e-3,
      betas() + [epsilon(1e-6), decay(0.01)]
    ) {
      .lamb(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"))
    },
  ]

  private static let keras: [Item] = [
    Item(
      "sgdKeras", "stochastic gradient descent, Keras", learningRate: 0.01,
      [momentum, flag("nesterov"), decay()]
    ) {
      .sgdKeras(
        learningRate: $1, momentum: $0.number("momentum"), nesterov: $0.flag("nesterov"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "rmspropKeras", "RMSprop, Keras", learningRate: 1e-3,
      [
        .init("rho", 0.9, .decayRate), momentum, epsilon(1e-7), flag("centered"), decay(),
      ]
    ) {
      .rmspropKeras(
        learningRate: $1, rho: $0.number("rho"), momentum: $0.number("momentum"),
        epsilon: $0.number("epsilon"), centered: $0.flag("centered"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "adagradKeras", "AdaGrad, Keras", learningRate: 1e-3,
      [.init("initialAccumulator", 0.1, .nonNegative), epsilon(1e-7), decay()]
    ) {
      .adagradKeras(
        learningRate: $1, initialAccumulator: $0.number("initialAccumulator"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"))
    },
    Item(
      "adadeltaKeras", "AdaDelta, Keras", learningRate: 1e-3,
      [.init("rho", 0.95, .decayRate), .init("epsilon", 1e-7, .positive), decay()]
    ) {
      .adadeltaKeras(
        learningRate: $1, rho: $0.number("rho"), epsilon: $0.number("epsilon"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "adamKeras", "Adam, Keras", learningRate: 1e-3,
      betas() + [epsilon(1e-7), flag("amsgrad"), decay()]
    ) {
      .adamKeras(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), amsgrad: $0.flag("amsgrad"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "adamWKeras", "Adam with decoupled weight decay, Keras", learningRate: 1e-3,
      betas() + [epsilon(1e-7), flag("amsgrad"), decay(0.004)]
    ) {
      .adamWKeras(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), amsgrad: $0.flag("amsgrad"),
        weightDecay: $0.number("weightDecay"))
    },
    Item(
      "nadamKeras", "Adam with Nesterov's look-ahead, Keras", learningRate: 1e-3,
      betas() + [epsilon(1e-7), decay()]
    ) {
      .nadamKeras(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        epsilon: $0.number("epsilon"), weightDecay: $0.number("weightDecay"))
    },
    Item("lionKeras", "Lion, Keras", learningRate: 1e-3, betas(0.99) + [decay()]) {
      .lionKeras(
        learningRate: $1, beta1: $0.number("beta1"), beta2: $0.number("beta2"),
        weightDecay: $0.number("weightDecay"))
    },
  ]
}
