import LockstepEngine
import LockstepCatalog

extension Schedule {
  /// minimum + (initial − minimum)(1 + cos(π t / steps)) / 2 up to t = steps, then minimum.
  /// (`CosineAnnealingLR(T_max: steps, eta_min: minimum)` up to t = steps; PyTorch's rises again
  /// afterwards, this one stays.)
  public static func cosine(initial: Double, steps: Int, minimum: Double = 0) -> Schedule {
    Schedule(CosineDecay(initial: initial, steps: steps, minimum: minimum))
  }

  /// Cosine with warm restarts: periods of `period`, period · growth, … steps, each from `initial`
  /// to `minimum`. (`CosineAnnealingWarmRestarts(T_0: period, T_mult: growth, eta_min: minimum)`.)
  public static func cosineRestarts(
    initial: Double, period: Int, growth: Int = 1, minimum: Double = 0
  ) -> Schedule {
    Schedule(CosineRestarts(initial: initial, period: period, growth: growth, minimum: minimum))
  }

  static let cosineEntry = entry(
    "cosine", "half a cosine down to minimum", [.steps, .minimumRate]
  ) { values, rate, length in
    .cosine(initial: rate, steps: values["steps"] ?? length, minimum: values["minimum"])
  }

  static let cosineRestartsEntry = entry(
    "cosineRestarts", "half cosines, again and again",
    [
      .required("period", .count(from: 1), "the steps of the first"),
      .with("growth", .count(from: 1), 1, "how much longer each is than the one before"),
      .minimumRate,
    ]
  ) { values, rate, _ in
    .cosineRestarts(
      initial: rate, period: values["period"], growth: values["growth"],
      minimum: values["minimum"])
  }
}

private struct CosineDecay: LearningRateSchedule {
  let initial: Double
  let steps: Int
  let minimum: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("cosine schedule", "learningRate", initial)
    try checkCount("cosine schedule", "steps", steps)
    try HyperparameterRange.nonNegative.check("cosine schedule", "minimum", minimum)
  }

  func rate(at step: Int) -> Double {
    step >= steps ? minimum : halfCosine(from: initial, to: minimum, Double(step) / Double(steps))
  }
}

private struct CosineRestarts: LearningRateSchedule {
  let initial: Double
  let period: Int
  let growth: Int
  let minimum: Double

  func validate() throws {
    try HyperparameterRange.nonNegative.check("cosineRestarts schedule", "learningRate", initial)
    try checkCount("cosineRestarts schedule", "period", period)
    try checkCount("cosineRestarts schedule", "growth", growth)
    try HyperparameterRange.nonNegative.check("cosineRestarts schedule", "minimum", minimum)
  }

  func rate(at step: Int) -> Double {
    var rest = step
    var length = period
    if growth == 1 {
      rest %= period
    } else {
      while rest >= length {
        rest -= length
        let (next, overflow) = length.multipliedReportingOverflow(by: growth)
        length = overflow ? .max : next
      }
    }
    return halfCosine(from: initial, to: minimum, Double(rest) / Double(length))
  }
}

/// Half a cosine from one rate to another, at a part of the way.
func halfCosine(from initial: Double, to end: Double, _ part: Double) -> Double {
  end + (initial - end) * (1 + ExactMath.cosine(halfTurns: part)) / 2
}
