/// e^(xᵢ) / Σⱼ e^(xⱼ) over the last axis of [N, C].
package struct Softmax: Operation {
  package var name: String { "softmax" }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(inputs[0].shape.count == 2, "expects [N, C], got \(inputs[0].shape)")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    let y = call.outputs[0]
    return [y * (dy - (dy * y).sum([1], keepDimensions: true))]
  }
}

extension Tensor {
  /// The softmax over the last axis.
  public func softmax() -> Tensor {
    guard let classes = shape.last else {
      graph.fail("softmax: expects at least one axis")
      return self
    }
    return reshaped(to: [-1, classes]).apply(Softmax()).reshaped(to: shape)
  }
}
