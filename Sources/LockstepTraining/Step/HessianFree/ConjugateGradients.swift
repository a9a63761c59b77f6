import LockstepEngine

/// Preconditioned conjugate gradients on A x = −g with Martens's stopping rule, keeping some of the
/// iterates for backtracking.
///
/// It minimises φ(x) = ½ xᵀ A x + gᵀ x. Iterates are kept at the numbers ⌈1.3ʲ⌉, and the last one.
///
/// Source: J. Martens, "Deep learning via Hessian-free optimization", ICML 2010, sections 4.4–4.7.
final class ConjugateGradients {
  /// A kept iterate.
  struct Iterate {
    let values: UnsafeMutablePointer<Float>
    /// φ(x)
    let model: Double
  }

  /// The kept iterates of the last solution, first one first; at least one.
  private(set) var iterates: [Iterate] = []
  /// How many iterations it took.
  private(set) var iterations = 0

  private let vectors: BlockVectors
  private let count: Int
  private let x: Arena<Float>
  private let residual: Arena<Float>
  private let conditioned: Arena<Float>
  private let direction: Arena<Float>
  private let product: Arena<Float>
  private var kept: [Arena<Float>] = []
  private var models: [Double] = []
  private var lastKept = -1

  init(_ vectors: BlockVectors, count: Int) {
    self.vectors = vectors
    self.count = count
    x = Arena(count: count)
    residual = Arena(count: count)
    conditioned = Arena(count: count)
    direction = Arena(count: count)
    product = Arena(count: count)
  }

  /// Solves for one right-hand side.
  ///
  /// - Parameters:
  ///   - gradient: g.
  ///   - start: where to start from; nil for zero.
  ///   - multiply: writes A v.
  ///   - precondition: writes M⁻¹ r for a symmetric positive M, nil for none.
  func solve(
    gradient: UnsafePointer<Float>, start: UnsafePointer<Float>?, iterations limit: Int,
    tolerance: Double,
    multiply: (_ product: UnsafeMutablePointer<Float>, _ v: UnsafePointer<Float>) throws -> Void,
    precondition: ((UnsafeMutablePointer<Float>, UnsafePointer<Float>) -> Void)?
  ) throws {
    iterates.removeAll(keepingCapacity: true)
    models.removeAll(keepingCapacity: true)
    iterations = 0
    lastKept = -1
    let (x, r, y, p, Ap) = (x.base, residual.base, conditioned.base, direction.base, product.base)
    defer { withExtendedLifetime(self) {} }
    if let start {
      vectors.copy(x, start)
      try multiply(Ap, x)
      vectors.add(r, Ap, 1, gradient)
    } else {
      vectors.clear(x)
      vectors.copy(r, gradient)
    }
    /// φ(x) = ½ xᵀ (r + g) with r = A x + g.
    func model() -> Double { (vectors.dot(x, r) + vectors.dot(x, gradient)) / 2 }
    func condition() {
      if let precondition { precondition(y, r) } else { vectors.copy(y, r) }
    }
    models.append(model())
    condition()
    vectors.scale(p, -1, y)
    var delta = vectors.dot(r, y)
    let first = delta
    var next = 1.0
    while iterations < limit, delta > 1e-12 * first, delta.isFinite {
      try multiply(Ap, p)
      let curvature = vectors.dot(p, Ap)
      // A is positive definite, so this happens only where values overflow.
      guard curvature > 0, curvature.isFinite else { break }
      let alpha = delta / curvature
      vectors.add(x, x, alpha, p)
      vectors.add(r, r, alpha, Ap)
      iterations += 1
      models.append(model())
      let stops = hasConverged(tolerance)
      if Double(iterations) >= next.rounded(.up) {
        keep(x)
        while next.rounded(.up) <= Double(iterations) { next *= 1.3 }
      }
      if stops { break }
      condition()
      let new = vectors.dot(r, y)
      // p ← −y + β p
      vectors.scale(p, new / delta, p)
      vectors.add(p, p, -1, y)
      delta = new
    }
    if lastKept != iterations { keep(x) }
  }

  /// Whether φ fell by less than `tolerance` an iteration, relatively, over the last k of them.
  private func hasConverged(_ tolerance: Double) -> Bool {
    let window = max(10, iterations / 10)
    guard iterations > window else { return false }
    let (now, before) = (models[iterations], models[iterations - window])
    return now < 0 && (now - before) / now < Double(window) * tolerance
  }

  private func keep(_ x: UnsafePointer<Float>) {
    if kept.count == iterates.count { kept.append(Arena(count: count)) }
    let values = kept[iterates.count].base
    vectors.copy(values, x)
    iterates.append(Iterate(values: values, model: models[iterations]))
    lastKept = iterations
  }
}
