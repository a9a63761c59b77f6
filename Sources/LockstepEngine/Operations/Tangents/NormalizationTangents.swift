extension BatchNormalization {
  /// ẏ = γ S ẋ + γ̇ x̂ + β̇, where S, the Jacobian of x̂ = (x − μ) / √(σ² + ε) by x, is symmetric: the
  /// reverse rule applies the same matrix. The statistics are observations and have no tangent.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let (x, gamma) = (call.inputs[0], call.inputs[1])
    let (mean, variance) = (call.outputs[1], call.outputs[2])
    let moved = tangents[0].map { dx in
      dx.graph.apply(
        BatchNormalizationGradient(epsilon: epsilon), [x, dx, gamma, mean, variance])[0]
    }
    let affine = affineTangent(
      x, tangents[1], tangents[2], mean: mean, variance: variance, epsilon: epsilon)
    return [sum(moved, affine), nil, nil]
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
    return [sum(moved, affine)]
  }
}

/// γ̇ x̂ + β̇: a normalisation whose scale and shift are the tangents.
private func affineTangent(
  _ x: Tensor, _ scale: Tensor?, _ shift: Tensor?, mean: Tensor, variance: Tensor, epsilon: Float
) -> Tensor? {
  guard scale != nil || shift != nil else { return nil }
  let zero = x.graph.constant(0, mean.shape)
  return x.normalized(
    scale ?? zero, shift ?? zero, mean: mean, variance: variance, epsilon: epsilon)
}

private func sum(_ a: Tensor?, _ b: Tensor?) -> Tensor? {
  guard let a, let b else { return a ?? b }
  return a + b
}

extension Softmax {
  /// The Jacobian diag(y) − y yᵀ is symmetric.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    reverse(call, tangents)
  }
}
