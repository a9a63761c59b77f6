/// y = γ · (x − μ) / √(σ² + ε) + β with μ, σ² over all axes but the channel axis of x [N, C, …].
///
/// Inputs x, γ [C], β [C]; results y, μ [C] and the biased σ² [C]. The statistics are observations:
/// no gradient flows through them from outside.
package struct BatchNormalization: Operation {
  package let epsilon: Float
  package var name: String { "batch normalization" }
  package var precisionRole: PrecisionRole { .elementwise }
  package var outputCount: Int { 3 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, channels) = try checkChannels(inputs)
    let values = x.reduce(1, *) / max(channels, 1)
    try expect(
      values > 1,
      "one value a channel has no variance: input \(x); use larger shards (fewer `shards`, a larger `batchSize`, or drop the last partial batch)"
    )
    return [inputs[0], TensorType([channels]), TensorType([channels])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil, nil] }
    return dy.graph.apply(
      BatchNormalizationGradient(epsilon: epsilon),
      [call.inputs[0], dy, call.inputs[1], call.outputs[1], call.outputs[2]])
  }
}

/// dx, dγ, dβ of batch normalisation, from x, dy, γ, μ, σ².
package struct BatchNormalizationGradient: Operation {
  package let epsilon: Float
  package var name: String { "gradient of batch normalization" }
  package var precisionRole: PrecisionRole { .elementwise }
  package var outputCount: Int { 3 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [inputs[0], inputs[2], inputs[2]]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

/// The shape of x and its number of channels, all per-channel inputs being as long.
func checkChannels(_ inputs: [TensorType]) throws(GraphError) -> ([Int], Int) {
  let x = inputs[0].shape
  try expect(x.count >= 2, "expects an input [N, C, …], got \(x)")
  for input in inputs.dropFirst() {
    try expect(
      input.shape == [x[1]],
      "the input has \(x[1]) channels, a per-channel tensor has shape \(input.shape)")
  }
  return (x, x[1])
}

extension Tensor {
  /// Batch normalisation by this batch's statistics: the result, the mean, the biased variance.
  public func batchNormalized(
    _ scale: Tensor, _ shift: Tensor, epsilon: Float
  ) -> (result: Tensor, mean: Tensor, variance: Tensor) {
    let outputs = graph.apply(BatchNormalization(epsilon: epsilon), [self, scale, shift])
    return (outputs[0], outputs[1], outputs[2])
  }
  /// Batch normalisation by given statistics.
  public func normalized(
    _ scale: Tensor, _ shift: Tensor, mean: Tensor, variance: Tensor, epsilon: Float
  ) -> Tensor {
    apply(FixedNormalization(epsilon: epsilon), scale, shift, mean, variance)
  }
}

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
    return [sumOfTangents(moved, affine), nil, nil]
  }
}
