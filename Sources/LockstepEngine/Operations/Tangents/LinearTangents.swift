extension LinearMap {
  /// ẏ = ẋ · wᵀ + x · ẇᵀ + ḃ.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let bias = tangents.count > 2 ? tangents[2] : nil
    return [
      bilinear(call, tangents[0], tangents[1], bias) { input, weight, bias in
        input.graph.apply(self, [input, weight] + (bias.map { [$0] } ?? []))[0]
      }
    ]
  }
}

extension Convolution {
  /// ẏ = ẋ ⋆ w + x ⋆ ẇ + ḃ.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let bias = tangents.count > 2 ? tangents[2] : nil
    return [
      bilinear(call, tangents[0], tangents[1], bias) { input, weight, bias in
        input.graph.apply(self, [input, weight] + (bias.map { [$0] } ?? []))[0]
      }
    ]
  }
}

/// The tangent of f(x, w) + b, f linear in each argument. A bias that moves goes along with one of
/// the applications.
private func bilinear(
  _ call: Call, _ input: Tensor?, _ weight: Tensor?, _ bias: Tensor?,
  _ apply: (_ input: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor
) -> Tensor? {
  let (x, w) = (call.inputs[0], call.inputs[1])
  switch (input, weight) {
  case (nil, nil):
    return bias.map { bias in
      let spread = call.outputs[0].shape.indices.map { $0 == 1 ? bias.shape[0] : 1 }
      return bias.reshaped(to: spread).broadcast(to: call.outputs[0].shape)
    }
  case (nil, let weight?): return apply(x, weight, bias)
  case (let input?, nil): return apply(input, w, bias)
  case (let input?, let weight?): return apply(x, weight, bias) + apply(input, w, nil)
  }
}

extension MatrixProduct {
  /// The product rule.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let left = tangents[0].map { $0.apply(self, call.inputs[1]) }
    let right = tangents[1].map { call.inputs[0].apply(self, $0) }
    guard let left, let right else { return [left ?? right] }
    return [left + right]
  }
}
