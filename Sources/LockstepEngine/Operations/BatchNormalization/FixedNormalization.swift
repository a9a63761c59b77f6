/// y = γ · (x − μ) / √(σ² + ε) + β with given μ, σ² [C]: inference, and frozen statistics.
package struct FixedNormalization: Operation {
  package let epsilon: Float
  package var name: String { "batch normalization with fixed statistics" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    _ = try checkChannels(inputs)
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    let (x, gamma, mean, variance) = (
      call.inputs[0], call.inputs[1], call.inputs[3], call.inputs[4]
    )
    let spread = x.shape.indices.map { $0 == 1 ? x.shape[1] : 1 }
    let inverse = dy.graph.constant(1, variance.shape) / (variance + epsilon).squareRoot()
    let others = x.shape.indices.filter { $0 != 1 }
    let normalized =
      (x - mean.reshaped(to: spread).broadcast(to: x.shape)) * inverse.reshaped(to: spread)
    return [
      call.needs[0] ? dy * (gamma * inverse).reshaped(to: spread) : nil,
      call.needs[1] ? (dy * normalized).sum(others) : nil,
      call.needs[2] ? dy.sum(others) : nil,
      nil, nil,
    ]
  }
}

extension FixedNormalization {
  /// ẏ = γ ẋ / √(σ² + ε) + γ̇ x̂ + β̇. Given statistics do not move.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard tangents[3] == nil, tangents[4] == nil else { return nil }
    let (x, gamma, mean, variance) = (
      call.inputs[0], call.inputs[1], call.inputs[3], call.inputs[4]
    )
    let zero = x.graph.constant(0, gamma.shape)
    let moved = tangents[0]?.normalized(
      gamma, zero, mean: zero, variance: variance, epsilon: epsilon)
    let affine = affineTangent(
      x, tangents[1], tangents[2], mean: mean, variance: variance, epsilon: epsilon)
    return [sumOfTangents(moved, affine)]
  }
}

/// γ̇ x̂ + β̇: a normalisation whose scale and shift are the tangents.
func affineTangent(
  _ x: Tensor, _ scale: Tensor?, _ shift: Tensor?, mean: Tensor, variance: Tensor, epsilon: Float
) -> Tensor? {
  guard scale != nil || shift != nil else { return nil }
  let zero = x.graph.constant(0, mean.shape)
  return x.normalized(
    scale ?? zero, shift ?? zero, mean: mean, variance: variance, epsilon: epsilon)
}
