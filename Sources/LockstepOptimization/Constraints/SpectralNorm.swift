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
  private let limit: Double
  private let iterations: Int
  private let isSphere: Bool
  private let kernels: Kernels
  /// Its left vector is kept; zeros before the first projection.
  private let power: PowerIteration
  let state: [StateEntry]

  init(_ rule: SpectralNorm, _ tensor: ConstrainedTensor) {
    count = tensor.count
    let rows = tensor.shape.first ?? 1
    limit = Double(rule.limit)
    iterations = rule.iterations
    isSphere = rule.isSphere
    kernels = tensor.kernels
    power = PowerIteration(rows: rows, columns: tensor.count / max(rows, 1), tensor.kernels)
    state = [tensor.entry("leftVector", power.left)]
  }

  func project(_ values: inout MutableSpan<Float>) {
    values.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { project(base) }
    }
  }

  private func project(_ values: UnsafeMutablePointer<Float>) {
    if count == 0 { return }
    var rounds = iterations
    if power.left.buffer.allSatisfy({ $0 == 0 }) {
      power.start()
      rounds += Self.firstIterations
    }
    var sigma = power.iterate(values)
    if sigma == 0 {
      // A vector that the matrix has turned away from says nothing: begin again.
      power.start()
      sigma = power.iterate(values)
    }
    if sigma == 0 {
      // Zeros, or not finite: nothing to project, and nothing learnt.
      power.left.buffer.update(repeating: 0)
      return
    }
    for _ in 1..<rounds { sigma = power.iterate(values) }
    guard sigma > limit * (1 + normSlack) || isSphere && sigma < limit * (1 - normSlack) else {
      return
    }
    kernels.scale(values, values, by: ScaleFactor(limit / sigma), count)
  }
}
