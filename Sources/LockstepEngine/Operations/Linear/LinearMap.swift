/// y = x · wᵀ + b with x [N, in], w [out, in], b [out]; the bias may be missing.
package struct LinearMap: Operation {
  package var name: String { "linear" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try expect(x.count == 2 && w.count == 2, "expects x [N, in] and w [out, in], got \(x) and \(w)")
    try expect(x[1] == w[1], "the input has \(x[1]) features, the weight expects \(w[1])")
    if inputs.count > 2 {
      try expect(inputs[2].shape == [w[0]], "the bias must be [\(w[0])], got \(inputs[2].shape)")
    }
    return [TensorType([x[0], w[0]])]
  }

  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    inputs[0].shape[0] * inputs[1].count
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    let (x, w) = (call.inputs[0], call.inputs[1])
    let dx = call.needs[0] ? dy.apply(LinearInputGradient(), w) : nil
    let bias = call.inputs.count > 2
    guard call.needs[1] || (bias && call.needs[2]) else { return [dx, nil, nil] }
    let parameters = dy.graph.apply(LinearWeightGradient(bias: bias), [x, dy])
    return [dx] + parameters
  }
}

/// dx = dy · w, from dy [N, out] and w [out, in].
package struct LinearInputGradient: Operation {
  package var name: String { "input gradient of linear" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType([inputs[0].shape[0], inputs[1].shape[1]])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

/// dw = dyᵀ · x and db = Σ dy, from x [N, in] and dy [N, out].
package struct LinearWeightGradient: Operation {
  package let bias: Bool
  package var name: String { "weight gradient of linear" }
  package var precisionRole: PrecisionRole { .product }
  package var outputCount: Int { bias ? 2 : 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, dy) = (inputs[0].shape, inputs[1].shape)
    return [TensorType([dy[1], x[1]])] + (bias ? [TensorType([dy[1]])] : [])
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// y = x · wᵀ + b over the last axis: x […, in], w [out, in], b [out].
  public func linear(_ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
    guard let features = shape.last, weight.shape.count == 2 else {
      graph.fail("linear: expects x […, in] and w [out, in], got \(shape) and \(weight.shape)")
      return self
    }
    let rows = reshaped(to: [-1, features])
    let result = graph.apply(LinearMap(), [rows, weight] + (bias.map { [$0] } ?? []))[0]
    guard shape.count != 2 else { return result }
    return result.reshaped(to: shape.dropLast() + [weight.shape[0]])
  }
}

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

extension LinearMap: ColumnOperation {
  func origin(
    ofColumn column: Int, headWidth: Int, from inputs: [TensorType], to result: TensorType
  ) -> ColumnOrigin? {
    .row(column)
  }
}
