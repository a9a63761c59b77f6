internal import CLockstepKernels
internal import COneDNN

/// Repeats dimensions of size one.
package struct Broadcast: Operation {
  package let shape: [Int]
  package var name: String { "broadcast" }
  package var precisionRole: PrecisionRole { .neutral }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(shape, inputs[0].scalar)]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape.count == shape.count
        && zip(inputs[0].shape, shape).allSatisfy { $0 == $1 || $0 == 1 },
      "\(inputs[0].shape) does not broadcast to \(shape)")
    return [TensorType(shape, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.sumReduced(to: call.inputs[0].shape)]
  }
}

extension Broadcast {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Broadcast {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].broadcast(to: shape)]
  }
}

extension Broadcast: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let from = plan.type(site.inputs[0]).shape
    let type = plan.type(site.outputs[0])
    let result = plan.define(site.outputs[0], try .plain(type))
    let shape = type.shape.map(Int64.init)
    let toStrides = rowMajorStrides(type.shape).map(Int64.init)
    let fromStrides = zip(rowMajorStrides(from), from).map { $1 == 1 ? 0 : Int64($0) }
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0], addresses[1])
      return { _ in
        lockstep_strided_copy(y, x, Int32(shape.count), shape, toStrides, fromStrides)
      }
    }
  }
}
