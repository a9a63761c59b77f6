/// Learning-rate schedules by name. Every schedule starts from the optimizer's learning rate and
/// can have a warm-up in front.
public enum ScheduleCatalog {
  private static let warmup = [
    Hyperparameter("warmupSteps", 0, .integer(atLeast: 0)),
    Hyperparameter("warmupStart", 0, .fraction),
  ]
  private static let steps = Hyperparameter("steps", nil, .integer(atLeast: 1))
  private static let minimum = Hyperparameter("minimum", 0, .nonNegative)

  /// All schedules, in the order of documentation.
  public static let entries = [
    CatalogEntry("constant", "the same rate always", warmup),
    CatalogEntry(
      "step", "times factor every so many steps",
      [
        Hyperparameter("every", nil, .integer(atLeast: 1)),
        Hyperparameter("factor", 0.1, .nonNegative),
      ] + warmup),
    CatalogEntry(
      "multiStep", "times factor at each milestone",
      [
        Hyperparameter("milestones", nil, .milestones),
        Hyperparameter("factor", 0.1, .nonNegative),
      ] + warmup),
    CatalogEntry(
      "exponential", "times factor every step",
      [Hyperparameter("factor", nil, .nonNegative)] + warmup),
    CatalogEntry("cosine", "half a cosine down to minimum", [steps, minimum] + warmup),
    CatalogEntry(
      "cosineRestarts", "half cosines, again and again",
      [
        Hyperparameter("period", nil, .integer(atLeast: 1)),
        Hyperparameter("growth", 1, .integer(atLeast: 1)), minimum,
      ] + warmup),
    CatalogEntry(
      "oneCycle", "up to the learning rate and far down again",
      [
        Hyperparameter("steps", nil, .integer(atLeast: 2)), Hyperparameter("rise", 0.3, .fraction),
        Hyperparameter("divisor", 25, .positive), Hyperparameter("finalDivisor", 1e4, .positive),
      ] + warmup),
    CatalogEntry(
      "polynomial", "(1 - t / steps)^power down to final",
      [
        steps, Hyperparameter("power", 1, .positive), Hyperparameter("final", 0, .nonNegative),
      ] + warmup),
    CatalogEntry(
      "inverseTime", "1 / (1 + rate t)",
      [Hyperparameter("rate", nil, .nonNegative)] + warmup),
    CatalogEntry(
      "reduceOnPlateau", "times factor whenever the reported metric has stopped improving",
      [
        Hyperparameter("factor", 0.1, .decayRate),
        Hyperparameter("patience", 10, .integer(atLeast: 0)),
        Hyperparameter("threshold", 1e-4, .nonNegative),
        Hyperparameter(
          "comparison", "relative",
          .choice(ReduceOnPlateau.Comparison.allCases.map(\.rawValue))),
        Hyperparameter(
          "goal", "minimize", .choice(ReduceOnPlateau.Goal.allCases.map(\.rawValue))),
        Hyperparameter("cooldown", 0, .integer(atLeast: 0)), minimum,
      ] + warmup),
  ]

  /// Makes a schedule that starts from a learning rate.
  ///
  /// - Throws: ``HyperparameterError``.
  public static func make(
    _ name: String, learningRate: Double, values: [String: HyperparameterValue] = [:]
  ) throws -> Schedule {
    let v = try entries.entry(name, kind: "schedule").resolve(values)
    var schedule: Schedule =
      switch name {
      case "constant": .constant(learningRate)
      case "step":
        .step(initial: learningRate, every: v.integer("every"), factor: v.number("factor"))
      case "multiStep":
        .multiStep(
          initial: learningRate, milestones: v.integers("milestones"), factor: v.number("factor"))
      case "exponential": .exponential(initial: learningRate, factor: v.number("factor"))
      case "cosine":
        .cosine(initial: learningRate, steps: v.integer("steps"), minimum: v.number("minimum"))
      case "cosineRestarts":
        .cosineRestarts(
          initial: learningRate, period: v.integer("period"), growth: v.integer("growth"),
          minimum: v.number("minimum"))
      case "oneCycle":
        .oneCycle(
          peak: learningRate, steps: v.integer("steps"), rise: v.number("rise"),
          divisor: v.number("divisor"), finalDivisor: v.number("finalDivisor"))
      case "polynomial":
        .polynomial(
          initial: learningRate, steps: v.integer("steps"), power: v.number("power"),
          final: v.number("final"))
      case "reduceOnPlateau":
        .reduceOnPlateau(
          ReduceOnPlateau(
            factor: v.number("factor"), patience: v.integer("patience"),
            threshold: v.number("threshold"),
            comparison: .init(rawValue: v.text("comparison")) ?? .relative,
            goal: .init(rawValue: v.text("goal")) ?? .minimize, cooldown: v.integer("cooldown"),
            minimum: v.number("minimum")),
          of: .constant(learningRate))
      default: .inverseTime(initial: learningRate, rate: v.number("rate"))
      }
    if v.integer("warmupSteps") > 0 {
      schedule = .warmup(
        steps: v.integer("warmupSteps"), start: v.number("warmupStart"), then: schedule)
    }
    try schedule.validate()
    return schedule
  }
}
