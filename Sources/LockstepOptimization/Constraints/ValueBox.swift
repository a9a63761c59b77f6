import LockstepCatalog
import LockstepEngine

/// Each value lies in a box: w = min(max(w, lower), upper). (Weight clipping; Arjovsky et al. 2017.)
package struct ValueBox: ValueProjection {
  /// The least value.
  package let lower: Float
  /// The largest value, at least ``lower``.
  package let upper: Float

  /// Makes a projection into lower...upper.
  package init(lower: Float, upper: Float) {
    self.lower = lower
    self.upper = upper
  }

  package func validate(owner: String) throws {
    try HyperparameterRange.number.check(owner, "lower", Double(lower))
    try HyperparameterRange.number.check(owner, "upper", Double(upper))
    guard lower <= upper else {
      throw HyperparameterError(
        owner: owner, key: "lower", value: "\(lower)",
        problem: "must not be above upper = \(upper)")
    }
  }
}

extension WeightConstraint {
  /// Each value lies in `lower...upper`.
  public static func valueBox(_ lower: Float, _ upper: Float) -> Self {
    .init(ValueBox(lower: lower, upper: upper))
  }

  static let valueBoxEntry = entry(
    "valueBox", "each value lies in lower...upper",
    [
      .required("lower", .number, "the least value"),
      .required("upper", .number, "the largest value"),
    ]
  ) { .valueBox($0["lower"], $0["upper"]) }
}
