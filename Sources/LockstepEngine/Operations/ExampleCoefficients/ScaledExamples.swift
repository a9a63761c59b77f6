internal import CLockstepKernels

/// The rows of each example, times a coefficient of the example: x [N · k, …], coefficients [N]. A coefficient of 0
/// makes zeros of whatever there is.
package struct ScaledExamples: Operation {
  package var name: String { "scaled examples" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[1].shape.count == 1 && (inputs[0].shape.first ?? 0) % max(inputs[1].count, 1) == 0,
      "expects rows of as many examples as there are coefficients, got \(inputs.map(\.shape))")
    return [inputs[0]]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let values = inputs[0].values.count / max(inputs[1].values.count, 1)
    return [
      HostTensor(
        inputs[0].shape,
        inputs[0].values.enumerated().map { index, value in
          let coefficient = inputs[1].values[index / values]
          return coefficient == 0 ? 0 : value * coefficient
        })
    ]
  }
}

extension ScaledExamples: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let found = try plan.memory(site.inputs[0])
    // Images in blocks of channels have their examples side by side, too, with what fills the last block.
    let isDense = found.descriptor.storage == .float32 && found.descriptor.channelWidth != nil
    let source = isDense ? found : try plan.plain(site.inputs[0])
    let coefficients = try plan.plain(site.inputs[1])
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let examples = plan.type(site.inputs[1]).count
    let values = source.descriptor.byteCount / MemoryLayout<Float>.stride / examples
    let scale = plan.isa.kernels.pointee.scale!
    plan.emit([source, coefficients, result]) { addresses in
      let (x, factors, y) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in
        for example in 0..<examples {
          let place = example * values
          if factors[example] == 0 {
            (y + place).update(repeating: 0, count: values)
          } else {
            scale(y + place, x + place, factors[example], values)
          }
        }
      }
    }
  }
}

extension ScaledExamples: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
  }
}
