import LockstepCatalog
import LockstepEngine

/// Makes rows orthonormal, or columns where these are fewer, and multiplies them by a gain: the nearest such
/// matrix, gain · U Vᵀ for W = U S Vᵀ.
///
/// Newton–Schulz steps with coefficients 15/8, −5/4 and 3/8 go on until W Wᵀ = I within rounding. A matrix that
/// is so already keeps its bits; near it two or three steps are enough. Directions in which a matrix has
/// nothing get nothing. (Higham 2008, "Functions of matrices", chapter 8.)
package struct Orthogonal: TensorProjection {
  /// The norm of each row, or column.
  package let gain: Float

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "gain", Double(gain))
  }

  package func bind(to tensor: ConstrainedTensor) throws -> any BoundProjection {
    guard tensor.shape.count > 1 else {
      throw HyperparameterError(
        owner: "constraint on \(tensor.name)", key: "type", value: "orthogonal",
        problem: "is for matrices and kernels; the tensor has the shape \(tensor.shape)")
    }
    return Bound(self, tensor)
  }

  private final class Bound: BoundProjection {
    private let gain: Double
    private let rows: Int
    private let columns: Int
    private let iterations: BoundNewtonSchulz

    init(_ rule: Orthogonal, _ tensor: ConstrainedTensor) {
      gain = Double(rule.gain)
      rows = tensor.shape[0]
      columns = rows == 0 ? 0 : tensor.count / rows
      iterations = BoundNewtonSchulz(
        NewtonSchulz(coefficients: BoundNewtonSchulz.converging, steps: 1), tensor.kernels)
    }

    func project(_ values: inout MutableSpan<Float>) {
      let (rows, columns, gain) = (rows, columns, gain)
      values.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
        iterations.project(base, rows: rows, columns: columns, gain: gain)
      }
    }
  }
}

extension WeightConstraint {
  /// The rows of the tensor as a matrix (leading dimension × all the rest), or its columns where these are
  /// fewer, are orthogonal and have the norm `gain`.
  public static func orthogonal(gain: Float = 1) -> Self {
    .init(Orthogonal(gain: gain), axes: .all)
  }

  static let orthogonalEntry = entry(
    "orthogonal", "rows, or columns where these are fewer, are orthogonal and of one norm",
    [.with("gain", .positive, 1, "the norm")]
  ) { .orthogonal(gain: $0["gain"]) }
}
