extension Schedule {
  /// Another schedule, times a factor that falls when a metric stops improving; see
  /// ``UpdateRule/report(metric:)``.
  public static func reduceOnPlateau(_ plateau: ReduceOnPlateau, of schedule: Schedule) -> Schedule
  {
    Schedule(ReducedOnPlateau(reduction: plateau, schedule: schedule))
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
