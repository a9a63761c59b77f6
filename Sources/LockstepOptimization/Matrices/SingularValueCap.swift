internal import CLockstepKernels
import LockstepEngine

/// Holds singular values at most at a limit and leaves singular vectors and smaller values: U min(S, τ) Vᵀ
/// of W = U S Vᵀ.
///
/// With τ = 1, O = U Vᵀ and T the matrix of the signs of the eigenvalues of O Wᵀ − I, it is
/// (W + O − T (W − O)) / 2. Both O and T come from Newton–Schulz iterations, so that singular values are held
/// within 10⁻⁴ of the limit. It goes on until it changes nothing but by rounding; a matrix that it does not
/// change keeps its bits. (The formula: min(s, 1) = (s + 1 − |s − 1|) / 2.)
final class SingularValueCap {
  private let limit: Double
  private let kernels: Kernels
  private let work: ProductWorkspace
  private let iterations: BoundNewtonSchulz
  /// W / τ, O and what takes the place of W, short × long.
  private var (matrix, directions, next) = (
    Arena<Float>(count: 0), Arena<Float>(count: 0), Arena<Float>(count: 0)
  )
  /// T, and its product.
  private var (signs, product) = (Arena<Float>(count: 0), Arena<Float>(count: 0))

  init(limit: Double, _ kernels: Kernels) {
    self.limit = limit
    self.kernels = kernels
    work = ProductWorkspace(kernels)
    iterations = BoundNewtonSchulz(NewtonSchulz(), kernels)
  }

  /// The floating-point operations that a matrix takes, where its norm is about the limit.
  static func operations(rows: Int, columns: Int) -> Double {
    let (short, long) = (Double(min(rows, columns)), Double(max(rows, columns)))
    let first = NewtonSchulz(steps: 10).operations(rows: rows, columns: columns)
    let second = NewtonSchulz(steps: 18).operations(
      rows: min(rows, columns), columns: min(rows, columns))
    return first + second + 4 * short * short * long
  }

  /// Limits the singular values of a matrix in place.
  func apply(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
    let (short, long) = (min(rows, columns), max(rows, columns))
    let count = rows * columns
    // No singular value exceeds the norm.
    let norm = kernels.sumOfSquares(values, count).squareRoot()
    guard norm > limit, norm.isFinite else { return }
    makeRoom(short, long)
    if rows > columns {
      transpose(matrix.base, values, rows, columns)
    } else {
      matrix.base.update(from: values, count: count)
    }
    kernels.scale(matrix.base, matrix.base, by: ScaleFactor(1 / limit), count)
    var rounds = 0
    while rounds < Self.mostRounds, round(short, long) { rounds += 1 }
    guard rounds > 0 else { return }
    kernels.scale(matrix.base, matrix.base, by: ScaleFactor(limit), count)
    if rows > columns {
      transpose(values, matrix.base, columns, rows)
    } else {
      values.update(from: matrix.base, count: count)
    }
  }

  /// What is far above the limit comes near it in the first round, and to it in the next.
  private static let mostRounds = 4
  /// How far from 1 a singular value may be taken for 1.
  private static let nearness = 0x1p-14

  /// Brings the singular values of `matrix` to 1 at most. Returns whether that changed more than by rounding.
  private func round(_ short: Int, _ long: Int) -> Bool {
    let count = short * long
    directions.base.update(from: matrix.base, count: count)
    iterations.signs(directions.base, rows: short, columns: long, above: 0.5)
    work.transposed(product, directions.base, matrix.base, rows: short, terms: long, columns: short)
    for row in 0..<short {
      for column in 0...row {
        let mean =
          (product.base[row * short + column] + product.base[column * short + row]) / 2
          - (row == column ? 1 : 0)
        signs.base[row * short + column] = mean
        signs.base[column * short + row] = mean
      }
    }
    guard kernels.sumOfSquares(signs.base, short * short) > 0 else { return false }
    iterations.signs(signs.base, rows: short, columns: short, above: Self.nearness)
    for index in 0..<count { next.base[index] = matrix.base[index] - directions.base[index] }
    work.plain(product, signs.base, next.base, rows: short, terms: short, columns: long)
    var change = 0.0
    for index in 0..<count {
      let value = (matrix.base[index] + directions.base[index] - product.base[index]) / 2
      let difference = Double(value - matrix.base[index])
      change += difference * difference
      next.base[index] = value
    }
    let norm = kernels.sumOfSquares(matrix.base, count).squareRoot()
    guard change.squareRoot() > 4 * Self.nearness + 0x1p-20 * norm else { return false }
    swap(&matrix, &next)
    return true
  }

  private func makeRoom(_ short: Int, _ long: Int) {
    Arena.grow(&matrix, to: short * long)
    Arena.grow(&directions, to: short * long)
    Arena.grow(&next, to: short * long)
    Arena.grow(&signs, to: short * short)
    Arena.grow(&product, to: short * long)
  }
}
