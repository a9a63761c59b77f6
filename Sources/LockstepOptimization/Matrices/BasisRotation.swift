import LockstepEngine

/// Lets bases follow their factors by one round of power iteration: QR of factor · basis, eigenvalues that it
/// estimates sorted.
final class BasisRotation {
  private let work: ProductWorkspace
  private let orthonormal = OrthonormalRows()
  private var (product, values) = (Arena<Float>(count: 0), Arena<Float>(count: 0))
  private var estimates = Arena<Double>(count: 0)
  private var order: [Int] = []

  init(_ work: ProductWorkspace) { self.work = work }

  /// Moves a basis, whose vectors are rows.
  func follow(
    _ factor: UnsafePointer<Float>, _ size: Int, _ basis: UnsafeMutablePointer<Float>
  ) {
    Arena.grow(&product, to: size * size)
    work.plain(product, basis, factor, rows: size, terms: size, columns: size)
    let product = product.base
    Arena.grow(&estimates, to: size)
    let estimates = estimates.base
    if order.count != size { order = Array(0..<size) }
    for row in 0..<size {
      order[row] = row
      estimates[row] = 0
      for column in 0..<size {
        estimates[row] += Double(basis[row * size + column]) * Double(product[row * size + column])
      }
    }
    order.sort { estimates[$0] != estimates[$1] ? estimates[$0] > estimates[$1] : $0 < $1 }
    orthonormal.make(basis, size) {
      UnsafePointer(product + self.order[$0] * size)
    } spare: {
      UnsafePointer(basis + self.order[$0] * size)
    }
  }

  /// Brings the rows or columns of a matrix to the order of the basis that was moved last.
  func reorder(
    _ matrix: UnsafeMutablePointer<Float>, _ side: MatrixSides.Side, rows: Int, columns: Int
  ) {
    Arena.grow(&values, to: rows * columns)
    values.base.update(from: matrix, count: rows * columns)
    for row in 0..<rows {
      let source = values.base + (side == .rows ? order[row] : row) * columns
      for column in 0..<columns {
        matrix[row * columns + column] = source[side == .rows ? column : order[column]]
      }
    }
  }
}
