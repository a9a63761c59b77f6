import LockstepEngine

extension Arena {
  /// Makes room for so many values; what was there is gone where it did not suffice.
  static func grow(_ arena: inout Arena, to count: Int) {
    if arena.count < count { arena = Arena(count: count) }
  }
}

/// Products of matrices, with the scratch of the largest that there was.
final class ProductWorkspace {
  private let products: MatrixProducts
  private var scratch = Arena<Float>(count: 0)

  /// The floating-point operations of a product of two square matrices.
  static func operations(_ n: Int) -> Double { 2 * Double(n) * Double(n) * Double(n) }

  init(_ kernels: Kernels) { products = MatrixProducts(kernels.set) }

  /// result [rows, columns] = left [rows, terms] · right [columns, terms]ᵀ.
  func transposed(
    _ result: Arena<Float>, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, rows: Int,
    terms: Int, columns: Int
  ) {
    Arena.grow(
      &scratch, to: MatrixProducts.scratch(rows: rows, terms: terms, columns: columns))
    products.transposed(
      result.base, left, right, rows: rows, terms: terms, columns: columns, scratch: scratch.base)
  }

  /// result [rows, columns] = left [rows, terms] · right [terms, columns].
  func plain(
    _ result: Arena<Float>, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, rows: Int,
    terms: Int, columns: Int
  ) {
    Arena.grow(
      &scratch, to: MatrixProducts.scratch(rows: rows, terms: terms, columns: columns))
    products.plain(
      result.base, left, right, rows: rows, terms: terms, columns: columns, scratch: scratch.base)
  }
}
