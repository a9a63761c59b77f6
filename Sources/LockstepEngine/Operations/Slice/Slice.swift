/// The values with index `start..<start + count` on one axis.
package struct Slice: PartOfInput {
  package let place: SlicePlace
  package var axis: Int { place.axis }
  package var start: Int { place.start }
  package var count: Int { place.count }
  package var name: String { "slice" }
  package var precisionRole: PrecisionRole { .elementwise }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package init(axis: Int, start: Int, count: Int) {
    place = SlicePlace(axis: axis, start: start, count: count)
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(try place.shape(in: inputs[0].shape), inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0].map { padded($0, to: call.inputs[0].shape) }]
  }

  static func gradient(
    of parts: [(place: any PartOfInput, gradient: Tensor)], base: Tensor?, shape: [Int]
  ) -> Tensor {
    let slices = parts.compactMap { $0.place as? Slice }
    guard parts.count > 1 else {
      let padded = slices[0].padded(parts[0].gradient, to: shape)
      return base.map { $0 + padded } ?? padded
    }
    return parts[0].gradient.graph.apply(
      SliceSum(slices: slices.map(\.place), shape: shape, hasBase: base != nil),
      (base.map { [$0] } ?? []) + parts.map(\.gradient))[0]
  }

  /// A part of the slice's shape as the whole, zeros before and behind.
  private func padded(_ part: Tensor, to shape: [Int]) -> Tensor {
    func zeros(_ count: Int) -> [Tensor] {
      var size = shape
      size[axis] = count
      return count == 0 ? [] : [part.graph.constant(0, size)]
    }
    return Tensor.concatenated(
      zeros(start) + [part] + zeros(shape[axis] - start - count), axis: axis)
  }
}

extension Slice {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Slice {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    var shape = x.shape
    shape[axis] = count
    return [x.strided(shape, by: x.strides, from: start * x.strides[axis])]
  }
}

extension Slice: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let storage = try plan.storage(site.inputs[0])
    let source = try plan.plain(site.inputs[0], storage)
    let shape = plan.type(site.outputs[0]).shape
    let strides = rowMajorStrides(plan.type(site.inputs[0]).shape)
    let view = Memory(
      buffer: source.buffer, descriptor: try MemoryDescriptor(shape, strides: strides, storage),
      byteOffset: source.byteOffset + start * strides[axis] * storage.byteCount)
    try plan.copy(from: view, to: plan.define(site.outputs[0], .plain(shape, storage)))
  }
}

extension Slice: ParameterReading {
  var parameterUse: ParameterUse { .rearranged }
}

extension Slice: ColumnOperation {
  func origin(
    ofColumn column: Int, headWidth: Int, from inputs: [TensorType], to result: TensorType
  ) -> ColumnOrigin? {
    .column(column + (axis == result.shape.count - 1 ? start : 0))
  }

  func origin(ofRow row: Int) -> Int? { axis == 0 ? row + start : nil }
}
