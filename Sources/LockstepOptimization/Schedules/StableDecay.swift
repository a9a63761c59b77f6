import LockstepCatalog

/// How a rate falls behind a stable phase, at a part of the way from 0 to 1.
public enum DecayShape: String, Sendable, Equatable, CaseIterable {
  /// 1 − part.
  case linear
  /// 1 − √part. (Hägele et al. 2024.)
  case root
}

extension Schedule {
  /// `initial` for `stableSteps` steps, then down to `minimum` over `decaySteps` steps, then that.
  ///
  /// Behind a warm-up it is the warm-up–stable–decay schedule. (Hu et al. 2024, MiniCPM.)
  public static func stableDecay(
    initial: Double, stableSteps: Int, decaySteps: Int, minimum: Double = 0,
    shape: DecayShape = .linear
  ) -> Schedule {
    Schedule(
      StableDecay(
        initial: initial, stableSteps: stableSteps, decaySteps: decaySteps, minimum: minimum,
        shape: shape))
  }

  static let stableDecayEntry = entry(
    "stableDecay", "the same rate, then down to minimum; warm-up–stable–decay behind a warm-up",
    [
      .optional(
        "steps", .count(from: 1), "its length, with the warm-up in front", absence: "the run's"),
      .with("decay", .fraction, 0.2, "the part of the steps that go down"),
      .minimumRate, .with("shape", DecayShape.linear, "1 − part of the way, or 1 − √part"),
    ]
  ) { values, rate, length in
    let steps: Int = values["steps"] ?? length
    let rest = max(steps - values["warmupSteps"], 1)
    let decaySteps = min(max(Int((Double(steps) * values["decay"]).rounded()), 1), rest)
    return .stableDecay(
      initial: rate, stableSteps: rest - decaySteps, decaySteps: decaySteps,
      minimum: values["minimum"], shape: values["shape"])
  }
}

private struct StableDecay: LearningRateSchedule {
  let initial: Double
  let stableSteps: Int
  let decaySteps: Int
  let minimum: Double
  let shape: DecayShape

  func validate() throws {
    let owner = "stableDecay schedule"
    try HyperparameterRange.nonNegative.check(owner, "learningRate", initial)
    try HyperparameterRange.integer(atLeast: 0).check(owner, "stableSteps", Double(stableSteps))
    try checkCount(owner, "decaySteps", decaySteps)
    try HyperparameterRange.nonNegative.check(owner, "minimum", minimum)
  }

  func rate(at step: Int) -> Double {
    if step < stableSteps { return initial }
    let part = min(1, Double(step - stableSteps) / Double(decaySteps))
    return minimum + (initial - minimum) * (1 - (shape == .linear ? part : part.squareRoot()))
  }
}

extension DecayShape: HyperparameterValue {}
