import LockstepEngine
import LockstepCatalog

extension Schedule {
  /// initial · factor^⌊t / every⌋. (`StepLR(step_size: every, gamma: factor)`.)
  public static func step(initial: Double, every: Int, factor: Double) -> Schedule {
    Schedule(StepDecay(initial: initial, every: every, factor: factor))
  }

  /// initial · factor^(the number of milestones ≤ t). (`MultiStepLR`.)
  public static func multiStep(initial: Double, milestones: [Int], factor: Double) -> Schedule {
    Schedule(MultiStepDecay(initial: initial, milestones: milestones, factor: factor))
  }

  static let stepEntry = entry(
    "step", "times factor every so many steps",
    [
      .required("every", .count(from: 1), "the number of steps between"),
      .with("factor", .nonNegative, 0.1, "what the rate is multiplied by"),
    ]
  ) { values, rate, _ in .step(initial: rate, every: values["every"], factor: values["factor"]) }

  static let multiStepEntry = entry(
    "multiStep", "times factor at each milestone",
    [
      .required(
        "milestones", .integers(1...HyperparameterRange.largestInteger, count: 0...Int.max),
        "steps that grow"),
      .with("factor", .nonNegative, 0.1, "what the rate is multiplied by"),
    ]
  ) { values, rate, _ in
    .multiStep(initial: rate, milestones: values["milestones"], factor: values["factor"])
  }
}

private struct StepDecay: LearningRateSchedule {
  let initial: Double
  let every: Int
  let factor: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("step schedule", "learningRate", initial)
    try checkCount("step schedule", "every", every)
    try HyperparameterRange.nonNegative.check("step schedule", "factor", factor)
  }

  func rate(at step: Int) -> Double { initial * ExactMath.power(factor, step / every) }
}

private struct MultiStepDecay: LearningRateSchedule {
  let initial: Double
  let milestones: [Int]
  let factor: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("multiStep schedule", "learningRate", initial)
    try HyperparameterRange.nonNegative.check("multiStep schedule", "factor", factor)
    for (index, milestone) in milestones.enumerated()
    where milestone < 1 || (index > 0 && milestone <= milestones[index - 1]) {
      throw HyperparameterError(
        owner: "multiStep schedule", key: "milestones", value: "\(milestones)",
        problem: "must be growing whole numbers, each at least 1")
    }
  }

  func rate(at step: Int) -> Double {
    initial * ExactMath.power(factor, milestones.count { $0 <= step })
  }
}
