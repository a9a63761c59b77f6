internal import CLockstepKernels

/// The tangent of a maximum pooling: what moves at the place of each maximum, from ẋ and x. Of equal
/// values the first one counts, as in the pooling itself.
package struct MaximumTangent: Operation {
  package let window: Window
  package var name: String { "tangent of max pooling" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0] == inputs[1], "a tangent \(inputs[0].shape) of a value \(inputs[1].shape)")
    let x = inputs[1].shape
    return [TensorType([x[0], x[1]] + (try window.outputSize(x)))]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (moving, x) = (inputs[0], inputs[1])
    let places = window.maxima(of: x).places
    let (inputPlane, outputPlane) = (x.shape[2] * x.shape[3], places.shape[2] * places.shape[3])
    let values = places.values.enumerated().map { index, place in
      moving.values[index / outputPlane * inputPlane + Int(place)]
    }
    return [HostTensor(places.shape, values)]
  }
}

extension MaximumTangent: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (moving, x) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let (from, to) = (plan.type(site.inputs[1]).shape, plan.type(site.outputs[0]).shape)
    let result = plan.define(site.outputs[0], try .plain(TensorType(to)))
    let shape = window.pooling(planes: from[0] * from[1], from: from, to: to)
    plan.emit([moving, x, result]) { addresses in
      let (moving, x, y) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in
        var shape = shape
        lockstep_maximum_tangent(y, moving, x, &shape)
      }
    }
  }
}
