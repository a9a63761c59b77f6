/// y = x ⋆ w + b: x [N, C, H, W], w [out, C / groups, kH, kW], b [out]; the bias may be missing.
package struct Convolution: Operation {
  package let window: Window
  package let groups: Int
  package var name: String { "conv2d" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try expect(w.count == 4, "expects a weight [out, in / groups, kH, kW], got \(w)")
    let size = try window.outputSize(x)
    try expect(
      groups > 0 && x[1] % groups == 0 && w[0] % groups == 0,
      "\(groups) groups do not divide \(x[1]) input and \(w[0]) output channels")
    try expect(
      w[1] == x[1] / groups,
      "the input has \(x[1]) channels in \(groups) groups, the weight expects \(w[1]) a group")
    try expect(
      Array(w[2...]) == window.kernel, "the weight's kernel \(w[2...]) is not \(window.kernel)")
    if inputs.count > 2 {
      try expect(inputs[2].shape == [w[0]], "the bias must be [\(w[0])], got \(inputs[2].shape)")
    }
    return [TensorType([x[0], w[0]] + size)]
  }

  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    outputs[0].count * inputs[1].shape[1...].reduce(1, *)
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    let (x, w) = (call.inputs[0], call.inputs[1])
    let dx =
      call.needs[0]
      ? dy.apply(ConvolutionInputGradient(convolution: self, inputShape: x.shape), w) : nil
    let bias = call.inputs.count > 2
    guard call.needs[1] || (bias && call.needs[2]) else { return [dx, nil, nil] }
    let parameters = dy.graph.apply(
      ConvolutionWeightGradient(convolution: self, weightShape: w.shape, bias: bias), [x, dy])
    return [dx] + parameters
  }
}

/// The gradient of a convolution by its input, from dy and w.
package struct ConvolutionInputGradient: Operation {
  package let convolution: Convolution
  package let inputShape: [Int]
  package var name: String { "input gradient of conv2d" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(inputShape)]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

/// The gradients of a convolution by its weight and its bias, from x and dy.
package struct ConvolutionWeightGradient: Operation {
  package let convolution: Convolution
  package let weightShape: [Int]
  package let bias: Bool
  package var name: String { "weight gradient of conv2d" }
  package var precisionRole: PrecisionRole { .product }
  package var outputCount: Int { bias ? 2 : 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(weightShape)] + (bias ? [TensorType([weightShape[0]])] : [])
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// The 2-D cross-correlation (the field's "convolution") of [N, C, H, W] with a weight
  /// [out, C / groups, kH, kW].
  public func convolved(
    _ weight: Tensor, _ bias: Tensor? = nil, window: Window, groups: Int = 1
  ) -> Tensor {
    graph.apply(
      Convolution(window: window, groups: groups), [self, weight] + (bias.map { [$0] } ?? []))[0]
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
