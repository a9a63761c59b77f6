import LockstepCatalog

/// An optimizer as a configuration gives it: its chain for a length of the run.
package struct Optimizer: Sendable {
  /// The rate that the schedule starts from.
  let learningRate: Double
  let schedule: ScheduleRecipe
  let make: @Sendable (Schedule) -> Chain

  /// The chain of transforms.
  ///
  /// - Parameter totalSteps: how long a schedule lasts that does not say it itself.
  /// - Throws: ``HyperparameterError``.
  package func chain(totalSteps: Int) throws -> Chain {
    let chain = make(try schedule.make(learningRate, totalSteps))
    try chain.validate()
    return chain
  }
}

extension Entry<Optimizer> {
  /// An optimizer whose chain is made of its values and its learning rate's schedule.
  init(
    _ name: String, _ summary: String, learningRate: Double, _ hyperparameters: [Hyperparameter],
    chain: @escaping @Sendable (Hyperparameters, Schedule) -> Chain
  ) {
    self.init(
      name, summary,
      [
        .with(
          "learningRate", .nonNegative, .number(learningRate),
          "the learning rate that the schedule starts from")
      ] + hyperparameters
    ) { values in
      let made = Optimizer(
        learningRate: values["learningRate"],
        schedule: try values.make("schedule", ScheduleCatalog.catalog) ?? .constant
      ) { chain(values, $0) }
      // What a chain refuses is found before any rank computes.
      _ = try made.chain(totalSteps: ScheduleRecipe.longRun)
      return made
    }
  }
}

// Keys that several optimizers have.
extension Hyperparameter {
  static var beta1: Self { .with("beta1", .decayRate, 0.9, "the weight of the past in the mean") }
  static func beta2(_ value: Double = 0.999) -> Self {
    .with("beta2", .decayRate, .number(value), "the weight of the past in the slower mean")
  }
  static func rho(_ value: Double) -> Self {
    .with("rho", .decayRate, .number(value), "the weight of the past in the mean of squares")
  }
  static func epsilon(_ value: Double) -> Self {
    .with("epsilon", .nonNegative, .number(value), "keeps the denominator from 0")
  }
  static func weightDecay(_ value: Double = 0) -> Self {
    .with("weightDecay", .nonNegative, .number(value), "how strongly weights are drawn to 0")
  }
  static func momentum(_ value: Double = 0) -> Self {
    .with("momentum", .nonNegative, .number(value), "the weight of the past update")
  }
  static func initialAccumulator(_ value: Double) -> Self {
    .with("initialAccumulator", .nonNegative, .number(value), "where the sums of squares begin")
  }
  static var nesterov: Self {
    .with("nesterov", .boolean, false, "whether momentum looks ahead")
  }
  static var centered: Self {
    .with("centered", .boolean, false, "whether the variance takes the place of the mean square")
  }
  static var amsgrad: Self {
    .with("amsgrad", .boolean, false, "whether the largest mean square so far counts")
  }
}
