internal import CLockstepKernels

/// A number where a mask is not 0, else x. The mask has the shape of x's last axes, or of all of them, and is
/// of floats or integers. No gradient flows where it is not 0, and none to the mask.
package struct Masked: Operation {
  package let value: Float
  package var name: String { "masked fill" }
  package var precisionRole: PrecisionRole { .elementwise }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, mask) = (inputs[0].shape, inputs[1].shape)
    try expect(
      mask.count <= x.count && Array(x.suffix(mask.count)) == mask,
      "a mask of shape \(mask) for a tensor of shape \(x)")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(Masked(value: 0), call.inputs[1]), nil]
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(Masked(value: 0), call.inputs[1])]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, mask) = (inputs[0], inputs[1].values)
    let values = x.values.enumerated().map { index, x in
      mask[index % mask.count] != 0 ? Double(value) : x
    }
    return [HostTensor(x.shape, values)]
  }
}

extension Masked: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, mask) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], x.descriptor, reusing: site.inputs[0], in: site)
    let type = plan.type(site.inputs[1])
    let repeats = plan.type(site.inputs[0]).count / type.count
    let isInteger: Int32 = type.scalar == .int32 ? 1 : 0
    let value = value
    plan.emit([x, mask, result]) { addresses in
      let (x, mask, y) = (addresses[0].floats, UnsafeRawPointer(addresses[1]), addresses[2].floats)
      return { _ in lockstep_masked_fill(y, x, mask, isInteger, value, repeats, type.count) }
    }
  }
}

extension Tensor {
  /// A number in the place of all values where `mask` is not 0, and no gradient there. PyTorch's
  /// `masked_fill`.
  ///
  /// - Parameters:
  ///   - mask: zeros and ones, floats or integers, of a shape that broadcasts to this tensor's.
  ///   - value: the number, also −∞.
  public func masked(by mask: Tensor, fillingWith value: Float) -> Tensor {
    guard TensorType.broadcast(shape, mask.shape) == shape else {
      graph.fail("masked fill: a mask of shape \(mask.shape) does not broadcast to \(shape)")
      return self
    }
    // What is repeated over the first axes need not be copied.
    let own = Array(mask.shape.drop { $0 == 1 })
    let isSuffix = Array(shape.suffix(own.count)) == own
    return apply(
      Masked(value: value), isSuffix ? mask.reshaped(to: own) : mask.broadcast(to: shape))
  }
}
