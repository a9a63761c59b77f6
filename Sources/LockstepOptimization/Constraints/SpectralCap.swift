import LockstepCatalog
import LockstepEngine

/// Holds all singular values of a tensor, seen as a matrix of its leading dimension × all the rest, at most at
/// a limit: U min(S, limit) Vᵀ for W = U S Vᵀ, the nearest such matrix.
///
/// ``SpectralNorm`` scales the whole matrix instead. Singular values are held within 10⁻⁴ of the limit. A
/// matrix inside of it keeps its bits. (Newhouse et al. 2025, "Training transformers with enforced Lipschitz
/// constants".)
package struct SpectralCap: TensorProjection {
  /// The largest singular value.
  package let limit: Float

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "limit", Double(limit))
  }

  package func bind(to tensor: ConstrainedTensor) throws -> any BoundProjection {
    guard tensor.shape.count > 1 else {
      throw HyperparameterError(
        owner: "constraint on \(tensor.name)", key: "type", value: "spectralCap",
        problem: "is for matrices and kernels; the tensor has the shape \(tensor.shape)")
    }
    return Bound(self, tensor)
  }

  private final class Bound: BoundProjection {
    private let rows: Int
    private let columns: Int
    private let cap: SingularValueCap

    init(_ rule: SpectralCap, _ tensor: ConstrainedTensor) {
      rows = tensor.shape[0]
      columns = rows == 0 ? 0 : tensor.count / rows
      cap = SingularValueCap(limit: Double(rule.limit), tensor.kernels)
    }

    func project(_ values: inout MutableSpan<Float>) {
      let (rows, columns) = (rows, columns)
      values.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
        cap.apply(base, rows: rows, columns: columns)
      }
    }
  }
}

extension WeightConstraint {
  /// No singular value of the tensor as a matrix (leading dimension × all the rest) exceeds `limit`; smaller
  /// ones and all singular vectors stay.
  public static func spectralCap(_ limit: Float) -> Self {
    .init(SpectralCap(limit: limit), axes: .all)
  }

  static let spectralCapEntry = entry(
    "spectralCap", "no singular value exceeds limit; smaller ones stay",
    [.with("limit", .positive, 1, "the largest singular value")]
  ) { .spectralCap($0["limit"]) }
}
