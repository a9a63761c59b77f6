import LockstepCatalog

extension Schedule {
  /// initial · √(timescale / (timescale + t)).
  ///
  /// Behind a warm-up of `timescale` steps from 0 it is the schedule of the Transformer, min(t / w,
  /// √(w / t)) times the peak rate. (Vaswani et al. 2017; fairseq's `inverse_sqrt`.)
  public static func inverseSquareRoot(initial: Double, timescale: Int) -> Schedule {
    Schedule(InverseSquareRootDecay(initial: initial, timescale: timescale))
  }

  static let inverseSquareRootEntry = entry(
    "inverseSquareRoot", "√(timescale / (timescale + t)), the Transformer's behind a warm-up",
    [.required("timescale", .count(from: 1), "mostly as long as the warm-up")]
  ) { values, rate, _ in .inverseSquareRoot(initial: rate, timescale: values["timescale"]) }
}

private struct InverseSquareRootDecay: LearningRateSchedule {
  let initial: Double
  let timescale: Int

  func validate() throws {
    try HyperparameterRange.nonNegative.check(
      "inverseSquareRoot schedule", "learningRate", initial)
    try checkCount("inverseSquareRoot schedule", "timescale", timescale)
  }

  func rate(at step: Int) -> Double {
    initial * (Double(timescale) / (Double(timescale) + Double(step))).squareRoot()
  }
}
