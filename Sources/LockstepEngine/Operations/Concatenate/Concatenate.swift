/// Tensors behind one another on one axis.
package struct Concatenate: Operation {
  package let axis: Int
  package var name: String { "concatenate" }
  package var precisionRole: PrecisionRole { .elementwise }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    guard let first = inputs.first else { throw GraphError("nothing to concatenate") }
    var shape = first.shape
    try expect(shape.indices.contains(axis), "axis \(axis) is not among the axes of \(shape)")
    for input in inputs.dropFirst() {
      try expect(
        input.shape.count == shape.count && input.scalar == first.scalar
          && shape.indices.allSatisfy { $0 == axis || input.shape[$0] == shape[$0] },
        "shapes \(first.shape) and \(input.shape) differ beside axis \(axis)")
      shape[axis] += input.shape[axis]
    }
    return [TensorType(shape, first.scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    var start = 0
    return call.inputs.enumerated().map { index, input in
      defer { start += input.shape[axis] }
      return call.needs[index]
        ? dy.sliced(axis: axis, start..<start + input.shape[axis]) : nil
    }
  }
}

extension Concatenate {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let parts = zip(call.inputs, tangents).map { input, tangent in
      tangent ?? input.graph.constant(0, input.shape)
    }
    return parts[0].graph.apply(self, parts)
  }
}

extension Concatenate {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var shape = inputs[0].shape
    shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
    var result = HostTensor(shape)
    let strides = result.strides
    var start = 0
    for input in inputs {
      let places = positions(of: input.shape, strides: strides, from: start * strides[axis])
      for (place, value) in zip(places, input.values) { result.values[place] = value }
      start += input.shape[axis]
    }
    return [result]
  }
}

extension Concatenate: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let shape = plan.type(site.outputs[0]).shape
    let strides = rowMajorStrides(shape)
    // Constants that fill up are Float32; what is computed decides.
    let storages = try site.inputs.map(plan.storage)
    let storage = storages.contains(.bfloat16) ? .bfloat16 : storages[0]
    let result = plan.define(site.outputs[0], try .plain(shape, storage))
    var start = 0
    for input in site.inputs {
      let part = plan.type(input).shape
      let view = Memory(
        buffer: result.buffer, descriptor: try MemoryDescriptor(part, strides: strides, storage),
        byteOffset: result.byteOffset + start * strides[axis] * storage.byteCount)
      try plan.copy(from: plan.memory(input), to: view)
      start += part[axis]
    }
  }
}

extension Concatenate: ParameterReading {
  var parameterUse: ParameterUse { .rearranged }
}
