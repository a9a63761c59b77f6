internal import CLockstepKernels
import LockstepEngine

/// Iterations that bring all singular values of a matrix near 1, and keep its singular vectors.
///
/// X ← U / max(‖U‖, ε), then X ← aX + (bA + cA²)X with A = XXᵀ for so many steps. Of a matrix with more
/// rows than columns the transpose is taken. With Muon's coefficients singular values end in about
/// 0.7...1.2, but for those that were below 0.1 % of the norm. (Jordan et al. 2024, "Muon"; Bernstein &
/// Newhouse 2024, "Old optimizer, new norm".)
package struct NewtonSchulz: Sendable, Equatable {
  /// a, b and c.
  package let coefficients: [Double]
  /// The number of steps.
  package let steps: Int
  /// ε, the least norm that is divided by.
  package let epsilon: Double

  /// Iterations with Muon's coefficients by default.
  package init(
    coefficients: [Double] = [3.4445, -4.7750, 2.0315], steps: Int = 5, epsilon: Double = 1e-7
  ) {
    self.coefficients = coefficients
    self.steps = steps
    self.epsilon = epsilon
  }

  func validate(owner: String) throws {
    guard coefficients.count == 3, coefficients.allSatisfy(\.isFinite) else {
      throw HyperparameterError(
        owner: owner, key: "coefficients", value: "\(coefficients)",
        problem: "must be three finite numbers")
    }
    try HyperparameterRange.integer(atLeast: 1, atMost: 100).check(
      owner, "steps", Double(steps))
    try HyperparameterRange.positive.check(owner, "epsilon", epsilon)
  }

  /// The floating-point operations that a matrix takes.
  func operations(rows: Int, columns: Int) -> Double {
    let (short, long) = (Double(min(rows, columns)), Double(max(rows, columns)))
    return Double(steps) * 2 * short * short * (2 * long + short)
  }
}

/// Newton–Schulz iterations at work, with the memory of the largest matrix that it has met.
final class BoundNewtonSchulz {
  private let rule: NewtonSchulz
  private let kernels: Kernels
  private let work: ProductWorkspace
  /// X, and the next one.
  private var (matrix, next) = (Arena<Float>(count: 0), Arena<Float>(count: 0))
  /// A, bI + cA, and what X is multiplied by.
  private var (gram, factor) = (Arena<Float>(count: 0), Arena<Float>(count: 0))
  private var polynomial = Arena<Float>(count: 0)

  init(_ rule: NewtonSchulz, _ kernels: Kernels) {
    self.rule = rule
    self.kernels = kernels
    work = ProductWorkspace(kernels)
  }

  /// Orthogonalises a matrix in place and multiplies it by a factor.
  func orthogonalize(
    _ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, times gain: Double
  ) {
    let (short, long) = (min(rows, columns), max(rows, columns))
    makeRoom(short, long)
    if rows > columns {
      transpose(matrix.base, values, rows, columns)
    } else {
      matrix.base.update(from: values, count: rows * columns)
    }
    let norm = kernels.sumOfSquares(matrix.base, short * long).squareRoot()
    kernels.scale(
      matrix.base, matrix.base, by: ScaleFactor(1 / max(norm, rule.epsilon)), short * long)
    for _ in 0..<rule.steps { step(short, long, rule.coefficients) }
    kernels.scale(matrix.base, matrix.base, by: ScaleFactor(gain), short * long)
    if rows > columns {
      transpose(values, matrix.base, columns, rows)
    } else {
      values.update(from: matrix.base, count: rows * columns)
    }
  }

  /// Goes on until all singular values are the gain, within rounding; a matrix that is so keeps its bits.
  func project(_ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, gain: Double) {
    let (short, long) = (min(rows, columns), max(rows, columns))
    makeRoom(short, long)
    if rows > columns {
      transpose(matrix.base, values, rows, columns)
    } else {
      matrix.base.update(from: values, count: rows * columns)
    }
    kernels.scale(matrix.base, matrix.base, by: ScaleFactor(1 / gain), short * long)
    let rounding = 0x1p-20 * Double(short).squareRoot()
    var distance = distanceFromOrthogonal(short, long)
    guard distance > rounding else { return }
    if distance > 0.5 {
      // The steps converge for singular values up to 1.
      let norm = kernels.sumOfSquares(matrix.base, short * long).squareRoot()
      guard norm > 0, norm.isFinite else { return }
      kernels.scale(matrix.base, matrix.base, by: ScaleFactor(1 / norm), short * long)
    }
    for _ in 0..<Self.mostSteps {
      step(short, long, rule.coefficients)
      let next = distanceFromOrthogonal(short, long)
      // Nothing is won any more where a direction is missing, or rounding is all that is left.
      if next <= rounding || next >= distance && next < 0.5 { break }
      distance = next
    }
    kernels.scale(matrix.base, matrix.base, by: ScaleFactor(gain), short * long)
    if rows > columns {
      transpose(values, matrix.base, columns, rows)
    } else {
      values.update(from: matrix.base, count: rows * columns)
    }
  }

  /// Enough for singular values of 2⁻²⁴ of the norm.
  private static let mostSteps = 40

  /// Brings all singular values above `least` to 1 within rounding, and those below it into 0...1.2, of a
  /// matrix that is not zero and has at most as many rows as columns.
  func signs(
    _ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, above least: Double
  ) {
    makeRoom(rows, columns)
    let count = rows * columns
    let norm = kernels.sumOfSquares(values, count).squareRoot()
    kernels.scale(matrix.base, values, by: ScaleFactor(1 / norm), count)
    // Each step multiplies what is small by a; those behind do not exceed 1.2, where the last ones converge.
    var reached = least / norm
    while reached < 0.5 {
      step(rows, columns, Self.growing)
      reached *= Self.growing[0] * 0.9
    }
    for _ in 0..<Self.lastSteps { step(rows, columns, Self.converging) }
    values.update(from: matrix.base, count: count)
  }

  private static let growing = NewtonSchulz().coefficients
  /// Keeps 1 where it is, with first and second derivatives of 0.
  static let converging = [1.875, -1.25, 0.375]
  /// What brings 0.5 to 1 within rounding.
  private static let lastSteps = 6

  /// ‖XXᵀ − I‖.
  private func distanceFromOrthogonal(_ short: Int, _ long: Int) -> Double {
    work.transposed(gram, matrix.base, matrix.base, rows: short, terms: long, columns: short)
    for index in 0..<short { gram.base[index * (short + 1)] -= 1 }
    return kernels.sumOfSquares(gram.base, short * short).squareRoot()
  }

  /// X ← (aI + A(bI + cA)) X with the coefficients a, b and c.
  private func step(_ short: Int, _ long: Int, _ coefficients: [Double]) {
    let (a, b, c) = (coefficients[0], coefficients[1], coefficients[2])
    func addToDiagonal(_ value: Double, _ square: Arena<Float>) {
      for index in 0..<short { square.base[index * (short + 1)] += Float(value) }
    }
    work.transposed(gram, matrix.base, matrix.base, rows: short, terms: long, columns: short)
    kernels.update.scale(factor.base, gram.base, Float(c), short * short)
    addToDiagonal(b, factor)
    // A is symmetric, bit for bit, and so the factor is its own transpose.
    work.transposed(polynomial, gram.base, factor.base, rows: short, terms: short, columns: short)
    addToDiagonal(a, polynomial)
    work.plain(next, polynomial.base, matrix.base, rows: short, terms: short, columns: long)
    swap(&matrix, &next)
  }

  private func makeRoom(_ short: Int, _ long: Int) {
    Arena.grow(&matrix, to: short * long)
    Arena.grow(&next, to: short * long)
    Arena.grow(&gram, to: short * short)
    Arena.grow(&factor, to: short * short)
    Arena.grow(&polynomial, to: short * short)
  }
}

/// result [columns, rows] = the transpose of values [rows, columns], by tiles that stay in cache.
func transpose(
  _ result: UnsafeMutablePointer<Float>, _ values: UnsafePointer<Float>, _ rows: Int,
  _ columns: Int
) {
  let tile = 32
  for top in stride(from: 0, to: rows, by: tile) {
    for left in stride(from: 0, to: columns, by: tile) {
      for column in left..<min(left + tile, columns) {
        for row in top..<min(top + tile, rows) {
          result[column * rows + row] = values[row * columns + column]
        }
      }
    }
  }
}
