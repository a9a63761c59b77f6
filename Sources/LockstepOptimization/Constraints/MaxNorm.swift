import LockstepCatalog
import LockstepEngine

/// Each unit's Euclidean norm is at most a limit: w · limit / ‖w‖ where ‖w‖ > limit.
///
/// (Keras's `MaxNorm`; Srivastava et al. 2014.)
package struct MaxNorm: NormProjection {
  /// The largest norm, above 0.
  package let limit: Float

  /// Makes a projection onto the ball of a radius.
  package init(limit: Float) { self.limit = limit }

  package var interval: NormInterval { NormInterval(from: 0, to: Double(limit)) }

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "limit", Double(limit))
  }
}

extension WeightConstraint {
  /// Each unit's Euclidean norm is at most `limit`.
  public static func maxNorm(_ limit: Float, axes: Axes = .unit, mode: Mode = .strict) -> Self {
    .init(MaxNorm(limit: limit), axes: axes, mode: mode)
  }

  /// The norm of the whole tensor is at most `limit`: w · limit / ‖w‖ where ‖w‖ > limit.
  package static func ball(_ limit: Float) -> Self { .init(MaxNorm(limit: limit), axes: .all) }

  static let maxNormEntry = entry(
    "maxNorm", "each unit's norm is at most limit",
    [.with("limit", .positive, 2, "the largest norm")] + .normUnits
  ) { .maxNorm($0["limit"], axes: try axes($0), mode: $0["mode"]) }

  static let ballEntry = entry(
    "ball", "the norm of the whole tensor is at most limit",
    [.required("limit", .positive, "the largest norm")]
  ) { .ball($0["limit"]) }
}
