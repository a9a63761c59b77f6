import LockstepCatalog
import LockstepEngine

/// No value is negative: w = max(w, 0). (Keras's `NonNeg`.)
package struct NonNegative: ValueProjection {
  /// Makes a projection onto the values of at least 0.
  package init() {}

  package var lower: Float { 0 }
  package var upper: Float { .infinity }

  package func validate(owner: String) throws {}
}

extension WeightConstraint {
  /// No value is negative.
  public static var nonNegative: Self { .init(NonNegative()) }

  static let nonNegativeEntry = entry("nonNegative", "no value is negative") { _ in .nonNegative }
}
