/// y = γ · (x − μ) / √(σ² + ε) + β with μ, σ² over all axes but the channel axis of x [N, C, …], and over
/// all shards of the batch.
///
/// Inputs x, γ [C], β [C]; results y, μ [C], the biased σ² [C] and the unbiased one [C]. The statistics
/// are the same for all shards, and observations: no gradient flows through them from outside.
package struct SynchronizedNormalization: SynchronizedOperation {
  package let epsilon: Float
  package var name: String { "batch normalization over all shards" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { 4 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (_, channels) = try checkChannels(inputs)
    return [inputs[0]] + Array(repeating: TensorType([channels]), count: 3)
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil, nil] }
    return dy.graph.apply(
      SynchronizedNormalizationGradient(epsilon: epsilon),
      [call.inputs[0], dy, call.inputs[1], call.outputs[1], call.outputs[2]])
  }

  func synchronization(_ input: TensorType, layer: String) -> SynchronizationPoint {
    SynchronizationPoint(kind: .moments, of: input, layer: layer)
  }
}

/// dx, dγ, dβ of batch normalisation over all shards, from x, dy, γ, μ, σ².
///
/// dx = γ / √(σ² + ε) · (dy − ⟨dy⟩ − x̂ ⟨dy x̂⟩), means being over all shards: a shard's x moves the
/// others' results, so dx is the gradient of the *sum* of their losses. dγ = Σ dy x̂ and dβ = Σ dy are this
/// shard's part.
package struct SynchronizedNormalizationGradient: SynchronizedOperation {
  package let epsilon: Float
  package var name: String { "gradient of batch normalization over all shards" }
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { 3 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [inputs[0], inputs[2], inputs[2]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  func synchronization(_ input: TensorType, layer: String) -> SynchronizationPoint {
    SynchronizationPoint(kind: .sums, of: input, layer: layer)
  }
}

extension Tensor {
  /// Batch normalisation by the statistics of the whole batch, over all shards: the result, the mean, the
  /// unbiased variance.
  package func normalizedOverAllShards(
    _ scale: Tensor, _ shift: Tensor, epsilon: Float
  ) -> (result: Tensor, mean: Tensor, unbiasedVariance: Tensor) {
    let outputs = graph.apply(SynchronizedNormalization(epsilon: epsilon), [self, scale, shift])
    return (outputs[0], outputs[1], outputs[3])
  }
}
