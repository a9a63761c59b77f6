import LockstepEngine

/// An interval that the Euclidean norms of units are brought into, at once or by a part of the way.
public struct NormInterval: Sendable, Equatable {
  /// The least norm, at least 0.
  package let minimum: Double
  /// The largest norm, at least ``minimum``; ∞ for none.
  package let maximum: Double
  /// The part of the way into the interval, in 0...1; nil for all of it.
  package let rate: Double?

  /// Makes an interval; norms outside it move by `rate` of the way, by default all of it.
  public init(from minimum: Double, to maximum: Double, rate: Double? = nil) {
    self.minimum = minimum
    self.maximum = maximum
    self.rate = rate
  }

  /// The factor that brings a unit of a norm to its own one, nil where it keeps its bits.
  ///
  /// Strict: a unit whose norm is within 2⁻²² of the desired one is inside, and a unit of zeros, which
  /// has no direction, stays. Keras: w · desired / (1e-7 + ‖w‖) always.
  func factor(norm: Double, mode: WeightConstraint.Mode) -> Double? {
    var desired = max(minimum, min(norm, maximum))
    if let rate { desired = rate * desired + (1 - rate) * norm }
    switch mode {
    case .keras: return desired / (1e-7 + norm)
    case .strict:
      if norm == 0 || (norm - desired).magnitude <= desired * normSlack { return nil }
      return desired / norm
    }
  }
}

/// An interval with the formula of a constraint: all that a unit's norm needs, as plain numbers.
struct NormRule {
  let interval: NormInterval
  let mode: WeightConstraint.Mode

  /// The factor that brings a unit of a norm to its own one, nil where it keeps its bits.
  func factor(norm: Double) -> Double? { interval.factor(norm: norm, mode: mode) }
}
