internal import CLockstepKernels

extension MaximumTangent: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (moving, x) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let (from, to) = (plan.type(site.inputs[1]).shape, plan.type(site.outputs[0]).shape)
    let result = plan.define(site.outputs[0], try .plain(TensorType(to)))
    let window = window
    let shape = lockstep_pooling(
      planes: from[0] * from[1], height: from[2], width: from[3], rows: to[2], columns: to[3],
      kernel_height: window.kernel[0], kernel_width: window.kernel[1],
      stride_down: window.strides[0], stride_across: window.strides[1],
      padding_top: window.paddingLow[0], padding_left: window.paddingLow[1])
    plan.emit([moving, x, result]) { addresses in
      let (moving, x, y) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in
        var shape = shape
        lockstep_maximum_tangent(y, moving, x, &shape)
      }
    }
  }
}
