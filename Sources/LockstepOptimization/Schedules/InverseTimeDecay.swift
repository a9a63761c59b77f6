import LockstepCatalog

extension Schedule {
  /// initial / (1 + rate · t). (`LambdaLR`; the `lr_decay` of PyTorch's `Adagrad`.)
  public static func inverseTime(initial: Double, rate: Double) -> Schedule {
    Schedule(InverseTimeDecay(initial: initial, rate: rate))
  }

  static let inverseTimeEntry = entry(
    "inverseTime", "1 / (1 + rate t)",
    [.required("rate", .nonNegative, "how fast the learning rate falls")]
  ) { values, rate, _ in .inverseTime(initial: rate, rate: values["rate"]) }
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
