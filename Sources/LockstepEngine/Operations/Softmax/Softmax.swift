internal import CLockstepKernels
import LockstepPlatform

/// e^(xᵢ) / Σⱼ e^(xⱼ) over the last axis of [N, C].
package struct Softmax: Operation {
  package var name: String { "softmax" }
  package var precisionRole: PrecisionRole { .exact }

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

extension Softmax {
  /// The Jacobian diag(y) − y yᵀ is symmetric.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    reverse(call, tangents)
  }
}

extension Softmax {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let rows = rows(of: x).flatMap { row in logSoftmax(row).map { exp($0) } }
    return [HostTensor(x.shape, rows)]
  }
}

extension Softmax: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], source.descriptor)
    let (rows, columns) = plan.rows(site.inputs[0])
    let softmax = plan.isa.kernels.pointee.softmax!
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in softmax(y, x, rows, columns) }
    }
  }
}
