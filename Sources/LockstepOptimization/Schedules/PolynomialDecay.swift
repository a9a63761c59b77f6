import LockstepEngine
import LockstepCatalog

extension Schedule {
  /// final + (initial − final)(1 − min(t, steps) / steps)^power. (`PolynomialLR(total_iters:
  /// steps, power:)` for final = 0.)
  public static func polynomial(
    initial: Double, steps: Int, power: Double = 1, final: Double = 0
  ) -> Schedule {
    Schedule(PolynomialDecay(initial: initial, steps: steps, power: power, final: final))
  }

  static let polynomialEntry = entry(
    "polynomial", "(1 - t / steps)^power down to final",
    [
      .steps, .with("power", .positive, 1, "how bent the fall is; 1 is straight"),
      .with("final", .nonNegative, 0, "the rate at the end"),
    ]
  ) { values, rate, length in
    .polynomial(
      initial: rate, steps: values["steps"] ?? length, power: values["power"],
      final: values["final"])
  }
}

private struct PolynomialDecay: LearningRateSchedule {
  let initial: Double
  let steps: Int
  let power: Double
  let final: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("polynomial schedule", "learningRate", initial)
    try checkCount("polynomial schedule", "steps", steps)
    try HyperparameterRange.positive.check("polynomial schedule", "power", power)
    try HyperparameterRange.nonNegative.check("polynomial schedule", "final", final)
  }

  func rate(at step: Int) -> Double {
    let left = 1 - Double(min(step, steps)) / Double(steps)
    return final + (initial - final) * ExactMath.power(left, power)
  }
}
