extension Pooling {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard let dx = tangents[0] else { return call.outputs.map { _ in nil } }
    guard kind == .maximum else { return [dx.apply(self)] }
    return [dx.apply(MaximumTangent(window: window), call.inputs[0]), nil]
  }
}

/// The tangent of a maximum pooling: what moves at the place of each maximum, from ẋ and x. Of equal
/// values the first one counts, as in the pooling itself.
package struct MaximumTangent: Operation {
  package let window: Window
  package var name: String { "tangent of max pooling" }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0] == inputs[1], "a tangent \(inputs[0].shape) of a value \(inputs[1].shape)")
    let x = inputs[1].shape
    return [TensorType([x[0], x[1]] + (try window.outputSize(x)))]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (moving, x) = (inputs[0], inputs[1])
    let places = Pooling(kind: .maximum, window: window).evaluate([x], context)[1]
    let (inputPlane, outputPlane) = (x.shape[2] * x.shape[3], places.shape[2] * places.shape[3])
    let values = places.values.enumerated().map { index, place in
      moving.values[index / outputPlane * inputPlane + Int(place)]
    }
    return [HostTensor(places.shape, values)]
  }
}
