extension Schedule {
  /// initial · factor^t. (`ExponentialLR(gamma: factor)`.)
  public static func exponential(initial: Double, factor: Double) -> Schedule {
    Schedule(ExponentialDecay(initial: initial, factor: factor))
  }
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
