/// The same values in row-major order under another shape.
package struct Reshape: Operation {
  package let shape: [Int]
  package var name: String { "reshape" }
  package var precisionRole: PrecisionRole { .elementwise }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(shape, inputs[0].scalar)]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let result = TensorType(shape, inputs[0].scalar)
    try expect(
      shape.allSatisfy { $0 >= 0 } && result.count == inputs[0].count,
      "\(inputs[0].shape) has \(inputs[0].count) values, which do not fill \(shape)")
    return [result]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.reshaped(to: call.inputs[0].shape)]
  }
}

extension Reshape {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Reshape {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor(shape, inputs[0].values)]
  }
}

extension Reshape: Lowerable, View {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plainAsComputed(site.inputs[0])
    plan.alias(
      site.outputs[0],
      to: Memory(
        buffer: source.buffer,
        descriptor: try .plain(
          plan.type(site.outputs[0]).shape, plan.storage(site.inputs[0])),
        byteOffset: source.byteOffset))
  }
}

extension Reshape: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && plan.type(site.outputs[0]).shape.first == plan.graph.batchCount
  }
}

extension Reshape: ParameterReading {
  var parameterUse: ParameterUse { .rearranged }
}

extension Reshape: ColumnOperation {
  func origin(
    ofColumn column: Int, headWidth: Int, from inputs: [TensorType], to result: TensorType
  ) -> ColumnOrigin? {
    inputs[0].shape.last == result.shape.last ? .column(column) : nil
  }
}
