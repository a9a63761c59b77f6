import LockstepCatalog
import LockstepEngine

/// Each unit's Euclidean norm is one: w / ‖w‖. A unit of zeros stays. (Keras's `UnitNorm`.)
package struct UnitNorm: NormProjection {
  /// Makes a projection onto the unit sphere.
  package init() {}

  package var interval: NormInterval { NormInterval(from: 1, to: 1) }

  package func validate(owner: String) throws {}
}

extension WeightConstraint {
  /// Each unit's Euclidean norm is one.
  public static func unitNorm(axes: Axes = .unit, mode: Mode = .strict) -> Self {
    .init(UnitNorm(), axes: axes, mode: mode)
  }

  static let unitNormEntry = entry("unitNorm", "each unit's norm is 1", .normUnits) {
    .unitNorm(axes: try axes($0), mode: $0["mode"])
  }
}
