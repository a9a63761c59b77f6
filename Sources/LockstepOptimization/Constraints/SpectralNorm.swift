internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// Holds the largest singular value σ of a tensor, seen as a matrix W of its leading dimension ×
/// all the rest, at most at a limit, or at it: W ← W · limit/σ where σ > limit, or always.
///
/// σ is estimated by power iteration, v = Wᵀu/‖Wᵀu‖, u = Wv/‖Wv‖, σ = ‖Wv‖, with a left vector u
/// that is kept from step to step (v follows from it). The estimate comes from below, so that σ may
/// exceed the limit by what the iterations have not found yet; as weights move little in a step it
/// is found in the steps that follow. The first projection starts from a fixed vector and makes
/// 15 more, as PyTorch's `spectral_norm` does. Sums run over the tensor in storage order in Double.
/// (Miyato et al. 2018; as a projection after the step, Yoshida & Miyato 2017.)
package struct SpectralNorm: TensorProjection {
  /// The largest singular value, above 0.
  package let limit: Float
  /// The number of power iterations a step, at least 1.
  package let iterations: Int
  /// Whether a smaller σ is brought to the limit, too: the sphere, not the ball.
  package let isSphere: Bool

  /// Makes a projection with a limit, whose estimate takes so many iterations a step.
  package init(limit: Float, iterations: Int = 1, isSphere: Bool = false) {
    self.limit = limit
    self.iterations = iterations
    self.isSphere = isSphere
  }

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, isSphere ? "radius" : "limit", Double(limit))
    try HyperparameterRange.integer(atLeast: 1).check(owner, "iterations", Double(iterations))
  }

  package func bind(to tensor: ConstrainedTensor) -> any BoundProjection {
    BoundSpectralNorm(self, tensor)
  }
}

extension WeightConstraint {
  /// The largest singular value of the tensor as a matrix (leading dimension × all the rest) is at
  /// most `limit`, as estimated by `iterations` power iterations a step.
  public static func spectralNorm(_ limit: Float, iterations: Int = 1) -> Self {
    .init(SpectralNorm(limit: limit, iterations: iterations))
  }

  static let spectralNormEntry = entry(
    "spectralNorm", "the largest singular value is at most limit",
    [
      .with("limit", .positive, 1, "the largest singular value"),
      .with("iterations", .count(from: 1), 1, "power iterations a step"),
    ]
  ) { .spectralNorm($0["limit"], iterations: $0["iterations"]) }

  /// The largest singular value of the tensor as a matrix (leading dimension × all the rest) is `radius`, as
  /// estimated by `iterations` power iterations a step: the sphere in the spectral norm. A matrix of zeros
  /// stays. (Xie et al. 2026, "Controlled LLM training on spectral sphere", 2601.08393.)
  public static func spectralSphere(_ radius: Float, iterations: Int = 1) -> Self {
    .init(SpectralNorm(limit: radius, iterations: iterations, isSphere: true))
  }

  static let spectralSphereEntry = entry(
    "spectralSphere", "the largest singular value is radius",
    [
      .with("radius", .positive, 1, "the largest singular value"),
      .with("iterations", .count(from: 1), 1, "power iterations a step"),
    ]
  ) { .spectralSphere($0["radius"], iterations: $0["iterations"]) }
}

private final class BoundSpectralNorm: BoundProjection {
  /// Iterations more when there is no vector yet.
  static let firstIterations = 15

  private let count: Int
  private let rows: Int
  private let columns: Int
  private let limit: Double
  private let iterations: Int
  private let isSphere: Bool
  private let kernels: Kernels
  /// u; zeros before the first projection.
  private let left: Arena<Double>
  /// v; no state, as every iteration makes it from u.
  private let right: Arena<Double>
  /// Wv.
  private let product: Arena<Double>
  let state: [StateEntry]

  init(_ rule: SpectralNorm, _ tensor: ConstrainedTensor) {
    count = tensor.count
    rows = tensor.shape.first ?? 1
    columns = tensor.count / max(rows, 1)
    limit = Double(rule.limit)
    iterations = rule.iterations
    isSphere = rule.isSphere
    kernels = tensor.kernels
    left = Arena(count: rows)
    right = Arena(count: columns)
    product = Arena(count: rows)
    state = [tensor.entry("leftVector", left)]
  }

  func project(_ values: inout MutableSpan<Float>) {
    values.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { project(base) }
    }
  }

  private func project(_ values: UnsafeMutablePointer<Float>) {
    if count == 0 { return }
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
    guard sigma > limit * (1 + normSlack) || isSphere && sigma < limit * (1 - normSlack) else {
      return
    }
    kernels.scale(values, values, by: ScaleFactor(limit / sigma), count)
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
