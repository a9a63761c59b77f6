internal import CLockstepKernels
import LockstepEngine

/// Holds the largest singular value σ of a tensor, seen as a matrix W of its leading dimension ×
/// all the rest, at most at a limit: W ← W · limit/σ where σ > limit.
///
/// σ is estimated by power iteration, v = Wᵀu/‖Wᵀu‖, u = Wv/‖Wv‖, σ = ‖Wv‖, with a left vector u
/// that is kept from step to step (v follows from it). The estimate comes from below, so that σ may
/// exceed the limit by what the iterations have not found yet; as weights move little in a step it
/// is found in the steps that follow. The first projection starts from a fixed vector and makes
/// ``firstIterations`` more. Sums run over the tensor in storage order in Double. (Miyato et al.
/// 2018; as a projection after the step, Yoshida & Miyato 2017.)
final class SpectralProjection {
  /// Iterations more when there is no vector yet, as PyTorch's `spectral_norm` has them.
  static let firstIterations = 15

  private let slot: FlatLayout.Slot
  private let rows: Int
  private let columns: Int
  private let limit: Double
  private let iterations: Int
  private let kernels: Kernels
  /// u; zeros before the first projection.
  private let left: Arena<Double>
  /// v; no state, as every iteration makes it from u.
  private let right: Arena<Double>
  /// Wv.
  private let product: Arena<Double>

  init(slot: FlatLayout.Slot, limit: Float, iterations: Int, kernels: Kernels) {
    self.slot = slot
    rows = slot.shape.first ?? 1
    columns = slot.count / max(rows, 1)
    self.limit = Double(limit)
    self.iterations = iterations
    self.kernels = kernels
    left = Arena(count: rows)
    right = Arena(count: columns)
    product = Arena(count: rows)
  }

  var state: StateEntry {
    StateEntry("constraint.leftVector.\(slot.name)", .doubles(left.buffer))
  }

  /// Projects the tensor in its arena.
  func project(_ parameters: UnsafeMutablePointer<Float>) {
    if slot.count == 0 { return }
    let values = parameters + slot.offset
    var rounds = iterations
    if left.buffer.allSatisfy({ $0 == 0 }) {
      start()
      rounds += Self.firstIterations
    }
    var sigma = iterate(values)
    if sigma == 0 {
      // A vector that the matrix has turned away from says nothing: begin again.
      start()
      sigma = iterate(values)
    }
    if sigma == 0 {
      // Zeros, or not finite: nothing to project, and nothing learnt.
      left.buffer.update(repeating: 0)
      return
    }
    for _ in 1..<rounds { sigma = iterate(values) }
    guard sigma > limit * (1 + normSlack) else { return }
    kernels.scale(values, values, by: ScaleFactor(limit / sigma), slot.count)
  }

  /// The first u: fixed values of both signs, to which no matrix is likely to be blind.
  private func start() {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for row in left.buffer.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      left.buffer[row] = Double(state >> 40) * 0x1p-23 - 1
    }
  }

  /// One round. Returns ‖Wv‖; u stays as it is where that or ‖Wᵀu‖ is zero or not finite.
  private func iterate(_ w: UnsafePointer<Float>) -> Double {
    right.buffer.update(repeating: 0)
    for row in 0..<rows {
      kernels.update.accumulate_scaled(right.base, w + row * columns, left.base[row], columns)
    }
    guard normalize(right) > 0 else { return 0 }
    kernels.update.matrix_vector(product.base, w, right.base, rows, columns)
    let sigma = normalize(product)
    if sigma > 0 { left.base.update(from: product.base, count: rows) }
    return sigma
  }

  /// Divides a vector by its norm, which is returned; 0 for a vector that has no direction.
  private func normalize(_ vector: Arena<Double>) -> Double {
    var squares = 0.0
    for value in vector.buffer { squares += value * value }
    let norm = squares.squareRoot()
    guard norm > 0, norm.isFinite else { return 0 }
    for index in vector.buffer.indices { vector.base[index] /= norm }
    return norm
  }
}
