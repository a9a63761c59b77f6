/// Axis i of the result is axis `permutation[i]` of the input.
package struct Transpose: Operation {
  package let permutation: [Int]
  package var name: String { "transpose" }
  package var precisionRole: PrecisionRole { .elementwise }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      permutation.sorted() == Array(inputs[0].shape.indices),
      "\(permutation) is no permutation of the axes of \(inputs[0].shape)")
    return [TensorType(permutation.map { inputs[0].shape[$0] }, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    var inverse = permutation
    for (to, from) in permutation.enumerated() { inverse[from] = to }
    return [gradients[0]?.transposed(inverse)]
  }
}

extension Transpose {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Transpose {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let strides = x.strides
    return [x.strided(permutation.map { x.shape[$0] }, by: permutation.map { strides[$0] })]
  }
}

extension Transpose: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let storage = try plan.storage(site.inputs[0])
    let source = try plan.plain(site.inputs[0], storage)
    let shape = plan.type(site.outputs[0]).shape
    let strides = rowMajorStrides(plan.type(site.inputs[0]).shape)
    let view = Memory(
      buffer: source.buffer,
      descriptor: try MemoryDescriptor(
        shape, strides: permutation.map { strides[$0] }, storage),
      byteOffset: source.byteOffset)
    try plan.copy(from: view, to: plan.define(site.outputs[0], .plain(shape, storage)))
  }
}

extension Transpose: ParameterReading {
  var parameterUse: ParameterUse { .rearranged }
}
