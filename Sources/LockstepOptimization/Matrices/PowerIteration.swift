internal import CLockstepKernels
import LockstepEngine

/// Estimates the largest singular value σ of a matrix W by power iteration: v = Wᵀu/‖Wᵀu‖, u = Wv/‖Wv‖,
/// σ = ‖Wv‖. The estimate comes from below. Sums run over the matrix in storage order in Double.
final class PowerIteration {
  /// u; zeros where nothing is known of it.
  let left: Arena<Double>
  private let rows: Int
  private let columns: Int
  private let kernels: Kernels
  /// v, which every round makes from u.
  private let right: Arena<Double>
  /// Wv.
  private let product: Arena<Double>

  init(rows: Int, columns: Int, _ kernels: Kernels) {
    self.rows = rows
    self.columns = columns
    self.kernels = kernels
    left = Arena(count: rows)
    right = Arena(count: columns)
    product = Arena(count: rows)
  }

  /// The first u: fixed values of both signs, to which no matrix is likely to be blind.
  func start() {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for row in left.buffer.indices {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      left.buffer[row] = Double(state >> 40) * 0x1p-23 - 1
    }
  }

  /// One round. Returns ‖Wv‖; u stays as it is where that or ‖Wᵀu‖ is zero or not finite.
  func iterate(_ w: UnsafePointer<Float>) -> Double {
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

/// The largest singular values of the matrices of a layout: tensors of two dimensions or more, as their leading
/// dimension × all the rest.
package final class LargestSingularValues {
  private let matrices: [(slot: FlatLayout.Slot, iteration: PowerIteration)]
  /// Rounds from a fixed vector. An estimate is off where the two largest values are close, and then by less
  /// than they are apart.
  private static let rounds = 30

  package init(_ layout: FlatLayout) {
    let kernels = Kernels(.current)
    matrices = layout.slots.filter { $0.matrixRows > 0 && $0.count > 0 }.map { slot in
      (slot, PowerIteration(rows: slot.matrixRows, columns: slot.matrixColumns, kernels))
    }
  }

  /// The values of the matrices in an arena of the layout, by the tensors' names; 0 for a matrix of zeros.
  package func values(_ arena: UnsafeBufferPointer<Float>) -> [(name: String, value: Double)] {
    guard let base = arena.baseAddress else { return [] }
    return matrices.map { slot, iteration in
      iteration.start()
      var sigma = 0.0
      for _ in 0..<Self.rounds {
        sigma = iteration.iterate(base + slot.offset)
        if sigma == 0 { break }
      }
      return (slot.name, sigma)
    }
  }
}
