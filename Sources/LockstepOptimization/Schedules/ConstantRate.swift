import LockstepCatalog

extension Schedule {
  /// The same rate always. (`ConstantLR` with factor 1.)
  public static func constant(_ rate: Double) -> Schedule { Schedule(ConstantRate(rate: rate)) }

  static let constantEntry = entry("constant", "the same rate always") { _, rate, _ in
    .constant(rate)
  }
}

private struct ConstantRate: LearningRateSchedule {
  let rate: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("learning rate", "learningRate", rate)
  }

  func rate(at step: Int) -> Double { rate }
}
