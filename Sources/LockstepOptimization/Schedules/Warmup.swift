extension Schedule {
  /// A linear rise over `steps` steps from start · r to r, with r the first rate of `then`, which
  /// counts its own steps from 0 when the rise is over. (`SequentialLR([LinearLR(start_factor:
  /// start, total_iters: steps), then], milestones: [steps])`.)
  public static func warmup(steps: Int, start: Double, then: Schedule) -> Schedule {
    Schedule(Warmup(steps: steps, start: start, then: then))
  }
}

private struct Warmup: LearningRateSchedule {
  let steps: Int
  let start: Double
  let then: Schedule

  var plateau: ReduceOnPlateau? { then.plateau }

  func validate() throws {
    try HyperparameterRange.integer(atLeast: 0).check("warm-up", "warmupSteps", Double(steps))
    try HyperparameterRange.fraction.check("warm-up", "warmupStart", start)
    try then.validate()
  }

  func rate(at step: Int) -> Double { rate(at: step, reducedBy: 1) }

  func rate(at step: Int, reducedBy scale: Double) -> Double {
    if step >= steps { return then.value(at: step - steps, reducedBy: scale) }
    return then.value(at: 0, reducedBy: scale)
      * (start + (1 - start) * Double(step) / Double(steps))
  }
}
