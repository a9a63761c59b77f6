import LockstepCatalog
import LockstepEngine

/// Keeps the norm of a tensor at what it was before the first update: W ← W · R / ‖W‖.
///
/// R is state. A tensor of zeros was not drawn, and moves freely. (Wen et al. 2026, "Hyperball optimization", whose
/// updates have a fixed norm, too: Muon's do, and LAMB's without decay are Adam's at one.)
package struct InitialNorm: TensorProjection {
  package func validate(owner: String) throws {}

  package func bind(to tensor: ConstrainedTensor) -> any BoundProjection { Bound(tensor) }

  private final class Bound: StartingProjection {
    private let kernels: Kernels
    /// R; 0 before the first update.
    private let radius = Arena<Double>(count: 1)
    let state: [StateEntry]

    init(_ tensor: ConstrainedTensor) {
      kernels = tensor.kernels
      state = [tensor.entry("initialNorm", radius)]
    }

    func start(_ values: UnsafeBufferPointer<Float>) {
      guard let base = values.baseAddress else { return }
      radius.base[0] = kernels.sumOfSquares(base, values.count).squareRoot()
    }

    func project(_ values: inout MutableSpan<Float>) {
      guard radius.base[0] > 0 else { return }
      values.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let interval = NormInterval(from: radius.base[0], to: radius.base[0])
        let norm = kernels.sumOfSquares(base, buffer.count).squareRoot()
        guard let factor = interval.factor(norm: norm, mode: .strict) else { return }
        kernels.scale(base, base, by: ScaleFactor(factor), buffer.count)
      }
    }
  }
}

/// A projection that looks at the tensor before the first update.
protocol StartingProjection: BoundProjection {
  /// Sees the tensor before anything changes it, once in a run.
  func start(_ values: UnsafeBufferPointer<Float>)
}

extension WeightConstraint {
  /// The norm of the whole tensor stays what it is before the first update.
  public static var initialNorm: Self { .init(InitialNorm(), axes: .all) }

  static let initialNormEntry = entry(
    "initialNorm", "the norm of the whole tensor stays what it was before the first update"
  ) { _ in .initialNorm }
}
