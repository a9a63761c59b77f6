import LockstepEngine
import LockstepCatalog

extension Schedule {
  /// initial · factor^t. (`ExponentialLR(gamma: factor)`.)
  public static func exponential(initial: Double, factor: Double) -> Schedule {
    Schedule(ExponentialDecay(initial: initial, factor: factor))
  }

  static let exponentialEntry = entry(
    "exponential", "times factor every step",
    [.required("factor", .nonNegative, "what the rate is multiplied by")]
  ) { values, rate, _ in .exponential(initial: rate, factor: values["factor"]) }
}

private struct ExponentialDecay: LearningRateSchedule {
  let initial: Double
  let factor: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("exponential schedule", "learningRate", initial)
    try HyperparameterRange.nonNegative.check("exponential schedule", "factor", factor)
  }

  func rate(at step: Int) -> Double { initial * ExactMath.power(factor, step) }
}
