extension Schedule {
  /// initial / (1 + rate · t). (`LambdaLR`; the `lr_decay` of PyTorch's `Adagrad`.)
  public static func inverseTime(initial: Double, rate: Double) -> Schedule {
    Schedule(InverseTimeDecay(initial: initial, rate: rate))
  }
}

private struct InverseTimeDecay: LearningRateSchedule {
  let initial: Double
  let rate: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("inverseTime schedule", "learningRate", initial)
    try HyperparameterRange.nonNegative.check("inverseTime schedule", "rate", rate)
  }

  func rate(at step: Int) -> Double { initial / (1 + rate * Double(step)) }
}
