import LockstepCatalog
import LockstepEngine

/// Each unit's Euclidean norm moves by a part of the way into an interval.
///
/// The desired norm is rate · min(max(‖w‖, minimum), maximum) + (1 − rate) · ‖w‖. (Keras's
/// `MinMaxNorm`.)
package struct MinMaxNorm: NormProjection {
  /// The least norm, at least 0 and at most ``maximum``.
  package let minimum: Float
  /// The largest norm, above 0.
  package let maximum: Float
  /// The part of the way, in 0...1.
  package let rate: Float

  /// Makes a projection into minimum...maximum.
  package init(minimum: Float, maximum: Float, rate: Float = 1) {
    self.minimum = minimum
    self.maximum = maximum
    self.rate = rate
  }

  package var interval: NormInterval {
    NormInterval(from: Double(minimum), to: Double(maximum), rate: Double(rate))
  }

  package func validate(owner: String) throws {
    try HyperparameterRange.nonNegative.check(owner, "minimum", Double(minimum))
    try HyperparameterRange.positive.check(owner, "maximum", Double(maximum))
    try HyperparameterRange.fraction.check(owner, "rate", Double(rate))
    guard minimum <= maximum else {
      throw HyperparameterError(
        owner: owner, key: "minimum", value: "\(minimum)",
        problem: "must not be above maximum = \(maximum)")
    }
  }
}

extension WeightConstraint {
  /// Each unit's norm moves by `rate` of the way into `minimum...maximum`.
  public static func minMaxNorm(
    _ minimum: Float, _ maximum: Float, rate: Float = 1, axes: Axes = .unit, mode: Mode = .strict
  ) -> Self {
    .init(MinMaxNorm(minimum: minimum, maximum: maximum, rate: rate), axes: axes, mode: mode)
  }

  static let minMaxNormEntry = entry(
    "minMaxNorm", "each unit's norm moves by rate of the way into minimum...maximum",
    [
      .with("minimum", .nonNegative, 0, "the least norm"),
      .with("maximum", .positive, 1, "the largest norm"),
      .with("rate", .fraction, 1, "the part of the way that a norm moves"),
    ] + .normUnits
  ) {
    .minMaxNorm(
      $0["minimum"], $0["maximum"], rate: $0["rate"], axes: try axes($0), mode: $0["mode"])
  }
}
