import LockstepCatalog

extension Schedule {
  /// Another schedule, times a factor that falls when a metric stops improving; see
  /// `report(metric:)`.
  public static func reduceOnPlateau(_ plateau: ReduceOnPlateau, of schedule: Schedule) -> Schedule
  {
    Schedule(ReducedOnPlateau(reduction: plateau, schedule: schedule))
  }

  static let reduceOnPlateauEntry = entry(
    "reduceOnPlateau", "times factor whenever the reported metric has stopped improving",
    [
      .with("factor", .decayRate, 0.1, "what the rate is multiplied by"),
      .with("patience", .count(from: 0), 10, "the evaluations in a row that may be no better"),
      .with("threshold", .nonNegative, 1e-4, "how much a better metric must beat the best by"),
      .with("comparison", ReduceOnPlateau.Comparison.relative, "how the threshold is meant"),
      .with("goal", ReduceOnPlateau.Goal.minimize, "which way the metric is to go"),
      .with(
        "cooldown", .count(from: 0), 0, "the evaluations after a reduction that do not count"),
      .with("minimum", .nonNegative, 0, "the rate that reductions stop at"),
    ]
  ) { values, rate, _ in
    .reduceOnPlateau(
      ReduceOnPlateau(
        factor: values["factor"], patience: values["patience"],
        threshold: values["threshold"], comparison: values["comparison"],
        goal: values["goal"], cooldown: values["cooldown"], minimum: values["minimum"]),
      of: .constant(rate))
  }
}

private struct ReducedOnPlateau: LearningRateSchedule {
  let reduction: ReduceOnPlateau
  let schedule: Schedule

  var plateau: ReduceOnPlateau? { reduction }

  func validate() throws {
    try reduction.validate()
    try schedule.validate()
    if schedule.plateau != nil {
      throw HyperparameterError(
        owner: "reduceOnPlateau schedule", key: "of", value: "reduceOnPlateau",
        problem: "must not hold another one")
    }
  }

  func rate(at step: Int) -> Double { rate(at: step, reducedBy: 1) }

  func rate(at step: Int, reducedBy scale: Double) -> Double {
    let whole = schedule.value(at: step, reducedBy: 1)
    return max(whole * scale, min(whole, reduction.minimum))
  }
}

extension ReduceOnPlateau.Comparison: HyperparameterValue {}
extension ReduceOnPlateau.Goal: HyperparameterValue {}
