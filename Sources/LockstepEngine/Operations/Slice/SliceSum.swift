/// The sum of parts that lie at places of a larger tensor, and of a whole one where there is one: what
/// the slices of a tensor make of its gradient.
///
/// Where each slice's gradient was padded to the whole and added, n slices of a tensor of n parts cost
/// n² values; here they cost the parts. Parts are added in their order, to the whole or to zeros.
package struct SliceSum: Operation {
  /// Where each part lies.
  package let slices: [SlicePlace]
  /// The shape of the sum.
  package let shape: [Int]
  /// Whether the first input is a whole one, in front of the parts.
  package let hasBase: Bool
  package var name: String { "sum of slices" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let whole = TensorType(shape)
    try expect(!hasBase || inputs[0] == whole, "expects a tensor of shape \(shape)")
    for (slice, part) in zip(slices, inputs.dropFirst(hasBase ? 1 : 0)) {
      try expect(
        try TensorType(slice.shape(in: shape)) == part, "a part of shape \(part.shape) in \(shape)")
    }
    return [whole]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    return (hasBase ? [dy] : [])
      + slices.map { dy.sliced(axis: $0.axis, $0.start..<$0.start + $0.count) }
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let parts = zip(call.inputs, tangents).map { $1 ?? $0.graph.constant(0, $0.shape) }
    return [call.inputs[0].graph.apply(self, parts)[0]]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var result = hasBase ? inputs[0] : HostTensor(shape)
    let strides = result.strides
    for (slice, part) in zip(slices, inputs.dropFirst(hasBase ? 1 : 0)) {
      let places = positions(
        of: part.shape, strides: strides, from: slice.start * strides[slice.axis])
      for (place, value) in zip(places, part.values) { result.values[place] += value }
    }
    return [result]
  }
}
