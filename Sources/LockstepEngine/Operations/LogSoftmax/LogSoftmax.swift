internal import CLockstepKernels

/// xᵢ − log Σⱼ e^(xⱼ) over the last axis of [N, C].
package struct LogSoftmax: Operation {
  package var name: String { "log softmax" }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(inputs[0].shape.count == 2, "expects [N, C], got \(inputs[0].shape)")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    return [dy - call.inputs[0].softmax() * dy.sum([1], keepDimensions: true)]
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard let dx = tangents[0] else { return [nil] }
    return [dx - (call.inputs[0].softmax() * dx).sum([1], keepDimensions: true)]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor(inputs[0].shape, rows(of: inputs[0]).flatMap(logSoftmax))]
  }
}

extension LogSoftmax: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], source.descriptor)
    let (rows, columns) = plan.rows(site.inputs[0])
    let logSoftmax = plan.isa.kernels.pointee.log_softmax!
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in logSoftmax(y, x, rows, columns) }
    }
  }
}

extension Tensor {
  /// The logarithm of the softmax over an axis, the last one where none is given: x − log Σ eˣ. It stays
  /// finite where a softmax underflows. PyTorch's `log_softmax`.
  public func logSoftmax(axis: Int? = nil) -> Tensor {
    let last = shape.count - 1
    let axis = axis ?? last
    guard shape.indices.contains(axis) else {
      graph.fail("log softmax: axis \(axis) is not among the axes of \(shape)")
      return self
    }
    var order = Array(shape.indices)
    order.swapAt(axis, last)
    let turned = transposed(order)
    return turned.reshaped(to: [-1, shape[axis]]).apply(LogSoftmax())
      .reshaped(to: turned.shape).transposed(order)
  }
}
