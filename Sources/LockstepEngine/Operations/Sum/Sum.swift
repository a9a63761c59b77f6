internal import CLockstepKernels
internal import COneDNN

/// The sum over some axes, which stay as dimensions of size one.
package struct Sum: Operation {
  package let axes: [Int]
  package var name: String { "sum" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    try expect(inputs[0].scalar == .float32, "expects Float32 values")
    for axis in axes {
      try expect(
        shape.indices.contains(axis), "axis \(axis) is not among the axes of \(inputs[0].shape)")
      shape[axis] = 1
    }
    return [TensorType(shape)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.broadcast(to: call.inputs[0].shape)]
  }
}

extension Tensor {
  /// The sum over `axes` (all of them by default), which vanish unless `keepDimensions`.
  public func sum(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    let axes = axes ?? Array(shape.indices)
    guard !axes.isEmpty else { return self }
    let sum = apply(Sum(axes: axes))
    guard !keepDimensions else { return sum }
    return sum.reshaped(to: shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
  }
  /// The arithmetic mean over `axes` (all of them by default).
  public func mean(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    let axes = axes ?? Array(shape.indices)
    let count = axes.filter(shape.indices.contains).reduce(1) { $0 * shape[$1] }
    return sum(axes, keepDimensions: keepDimensions).affine(scale: 1 / Float(count), shift: 0)
  }
  /// The transpose of a broadcast: sums until the shape is `shape`.
  package func sumReduced(to shape: [Int]) -> Tensor {
    guard shape != self.shape else { return self }
    let missing = self.shape.count - shape.count
    let padded = Array(repeating: 1, count: missing) + shape
    let axes = padded.indices.filter { padded[$0] == 1 && self.shape[$0] != 1 }
    return sum(axes, keepDimensions: true).reshaped(to: shape)
  }
}

extension Sum {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Sum {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    var result = HostTensor(x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] })
    let places = positions(of: x.shape, strides: result.broadcastStrides)
    for (place, value) in zip(places, x.values) { result.values[place] += value }
    return [result]
  }
}

extension Sum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let type = plan.type(site.outputs[0])
    guard type.shape != plan.type(site.inputs[0]).shape else {
      plan.alias(site.outputs[0], to: try plan.memory(site.inputs[0]))
      return
    }
    let source =
      try plan.storage(site.inputs[0]) == .float32
      ? plan.memory(site.inputs[0]) : plan.plain(site.inputs[0])
    if try addsRows(source, plan.type(site.inputs[0])) {
      return try lowerRows(source, site, plan)
    }
    let plain = try MemoryDescriptor.plain(type)
    let primitive = try Primitive("sum") {
      lockstep_reduction_sum(&$0, $1, source.descriptor.handle, plain.handle, $2)
    }
    plan.emit(
      primitive, [(DNNL_ARG_SRC, source), (DNNL_ARG_DST, plan.define(site.outputs[0], plain))])
  }

  /// Whether whole rows are added, those of the leading axes: oneDNN has no fast primitive for that.
  private func addsRows(_ source: Memory, _ type: TensorType) throws -> Bool {
    try axes.sorted() == Array(0..<axes.count) && axes.count < type.shape.count
      && source.descriptor == .plain(type)
  }

  private func lowerRows(_ source: Memory, _ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let type = plan.type(site.outputs[0])
    let result = plan.define(site.outputs[0], try .plain(type))
    let (columns, sum) = (type.count, plan.isa.kernels.pointee.sum_rows!)
    let rows = plan.type(site.inputs[0]).count / columns
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in sum(y, x, rows, columns) }
    }
  }
}
