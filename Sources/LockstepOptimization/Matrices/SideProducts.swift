internal import CLockstepKernels
import LockstepEngine

/// Works out what factors are made of, and what they are multiplied with.
final class SideProducts {
  let work: ProductWorkspace
  private let kernels: Kernels
  private var (flipped, square, product) = (
    Arena<Float>(count: 0), Arena<Float>(count: 0), Arena<Float>(count: 0)
  )

  init(_ kernels: Kernels) {
    self.kernels = kernels
    work = ProductWorkspace(kernels)
  }

  /// factor ← past · factor + weight · GGᵀ, or GᵀG.
  func add(
    _ gradient: UnsafePointer<Float>, _ side: MatrixSides.Side, rows: Int, columns: Int,
    to factor: UnsafeMutablePointer<Float>, past: Double, weight: Double
  ) {
    let (size, terms) = side == .rows ? (rows, columns) : (columns, rows)
    var base = gradient
    if side == .columns {
      Arena.grow(&flipped, to: rows * columns)
      transpose(flipped.base, gradient, rows, columns)
      base = UnsafePointer(flipped.base)
    }
    Arena.grow(&square, to: size * size)
    work.transposed(square, base, base, rows: size, terms: terms, columns: size)
    if past != 1 { kernels.update.scale(factor, factor, Float(past), size * size) }
    kernels.update.add_scaled(factor, factor, square.base, Float(weight), size * size)
  }

  /// values ← left · values, or values · rightᵀ, in place.
  func multiply(
    _ values: UnsafeMutablePointer<Float>, _ side: MatrixSides.Side,
    by factor: UnsafePointer<Float>, rows: Int, columns: Int
  ) {
    Arena.grow(&product, to: rows * columns)
    switch side {
    case .rows: work.plain(product, factor, values, rows: rows, terms: rows, columns: columns)
    case .columns:
      work.transposed(product, values, factor, rows: rows, terms: columns, columns: columns)
    }
    values.update(from: product.base, count: rows * columns)
  }

  /// values ← leftᵀ · values, or values · right, in place.
  func multiplyBack(
    _ values: UnsafeMutablePointer<Float>, _ side: MatrixSides.Side,
    by factor: UnsafePointer<Float>, rows: Int, columns: Int
  ) {
    Arena.grow(&product, to: rows * columns)
    switch side {
    case .rows:
      Arena.grow(&square, to: rows * rows)
      transpose(square.base, factor, rows, rows)
      work.plain(product, square.base, values, rows: rows, terms: rows, columns: columns)
    case .columns:
      work.plain(product, values, factor, rows: rows, terms: columns, columns: columns)
    }
    values.update(from: product.base, count: rows * columns)
  }
}
