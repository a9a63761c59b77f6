import LockstepCatalog
import LockstepEngine

/// Keeps values within a multiple of the range that they were drawn from: w = min(max(w, −κs), κs) with s the
/// largest magnitude in the tensor before the first update.
///
/// s is state. A tensor of zeros was not drawn, and has no box. (Elsayed et al. 2024, "Weight clipping for deep
/// continual and reinforcement learning", whose s is the bound of a uniform initialiser; the largest of many
/// draws is that bound but for a small part.)
package struct InitialBox: TensorProjection {
  /// κ, above 0.
  package let factor: Float

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "factor", Double(factor))
  }

  package func bind(to tensor: ConstrainedTensor) -> any BoundProjection { Bound(self, tensor) }

  private final class Bound: StartingProjection {
    private let factor: Double
    /// s; 0 before the first update.
    private let largest = Arena<Double>(count: 1)
    let state: [StateEntry]

    init(_ rule: InitialBox, _ tensor: ConstrainedTensor) {
      factor = Double(rule.factor)
      state = [tensor.entry("initialRange", largest)]
    }

    func start(_ values: UnsafeBufferPointer<Float>) {
      largest.base[0] = Double(values.reduce(0) { max($0, $1.magnitude) })
    }

    func project(_ values: inout MutableSpan<Float>) {
      let limit = Float(factor * largest.base[0])
      guard limit > 0 else { return }
      for index in values.indices {
        // A NaN stays a NaN.
        if values[index] > limit { values[index] = limit }
        if values[index] < -limit { values[index] = -limit }
      }
    }
  }
}

extension WeightConstraint {
  /// Every magnitude is at most `factor` times the largest one before the first update.
  public static func initialBox(_ factor: Float = 1) -> Self {
    .init(InitialBox(factor: factor), axes: .all)
  }

  static let initialBoxEntry = entry(
    "initialBox", "every magnitude is at most factor times the largest before the first update",
    [.with("factor", .positive, 1, "of the largest magnitude at first")]
  ) { .initialBox($0["factor"]) }
}
