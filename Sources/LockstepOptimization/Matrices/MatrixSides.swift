import LockstepCatalog
import LockstepEngine

/// The sides of an update's matrices that have a factor, GGᵀ of rows and GᵀG of columns: those of no more rows or
/// columns than a limit. A larger side has the identity.
struct MatrixSides {
  private let slots: [FlatLayout.Slot]
  private let chosen: [Bool]
  private let limit: Int

  init(_ slots: [FlatLayout.Slot], _ chosen: [Bool], limit: Int) {
    self.slots = slots
    self.chosen = chosen
    self.limit = limit
  }

  /// The size of a side that has a factor, nil for others.
  func size(_ side: Side, of slot: Int) -> Int? {
    guard chosen[slot] else { return nil }
    let size = side == .rows ? slots[slot].matrixRows : slots[slot].matrixColumns
    return size <= limit ? size : nil
  }

  /// State of one square matrix for each side, with a number on its diagonal.
  func state(
    _ name: String, _ side: Side, _ context: TransformContext, diagonal: Float = 0
  ) -> MatrixState {
    let name = (side == .rows ? "row" : "column") + name
    return MatrixState(name, context) { slot in
      size(side, of: slot).map { [$0, $0] }
    } initialize: { slot, values in
      for index in 0..<(size(side, of: slot) ?? 0) {
        values[index * ((size(side, of: slot) ?? 0) + 1)] = diagonal
      }
    }
  }

  enum Side: CaseIterable { case rows, columns }

  /// The keys of a configuration.
  static func keys(_ interval: String) -> [Hyperparameter] {
    [
      .with(
        "preconditionFrequency", .count(from: 1), 10, "the number of updates \(interval)"),
      .with(
        "maxPreconditionDim", .count(from: 1), 1024, "larger sides of matrices have the identity"),
    ]
  }

  static func validate(_ owner: String, _ frequency: Int, _ limit: Int) throws {
    let counts = HyperparameterRange.integer(atLeast: 1)
    try counts.check(owner, "preconditionFrequency", Double(frequency))
    try counts.check(owner, "maxPreconditionDim", Double(limit))
  }
}

/// Works out what factors are made of, and what they are multiplied with.
final class SideProducts {
  let work: MatrixWork
  private let kernels: Kernels
  private var (flipped, square, product) = (
    Arena<Float>(count: 0), Arena<Float>(count: 0), Arena<Float>(count: 0)
  )

  init(_ kernels: Kernels) {
    self.kernels = kernels
    work = MatrixWork(kernels)
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
