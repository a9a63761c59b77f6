internal import CLockstepKernels
internal import COneDNN

extension Reshape: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    plan.alias(
      site.outputs[0],
      to: Memory(
        buffer: source.buffer, descriptor: try .plain(plan.type(site.outputs[0])),
        byteOffset: source.byteOffset))
  }
}

extension Transpose: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let type = plan.type(site.outputs[0])
    let strides = rowMajorStrides(plan.type(site.inputs[0]).shape)
    let view = Memory(
      buffer: source.buffer,
      descriptor: try MemoryDescriptor(type, strides: permutation.map { strides[$0] }),
      byteOffset: source.byteOffset)
    try plan.copy(from: view, to: plan.define(site.outputs[0], .plain(type)))
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

extension Slice: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let type = plan.type(site.outputs[0])
    let strides = rowMajorStrides(plan.type(site.inputs[0]).shape)
    let view = Memory(
      buffer: source.buffer, descriptor: try MemoryDescriptor(type, strides: strides),
      byteOffset: source.byteOffset + start * strides[axis] * type.scalar.byteCount)
    try plan.copy(from: view, to: plan.define(site.outputs[0], .plain(type)))
  }
}

extension Concatenate: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let type = plan.type(site.outputs[0])
    let strides = rowMajorStrides(type.shape)
    let result = plan.define(site.outputs[0], try .plain(type))
    var start = 0
    for input in site.inputs {
      let part = plan.type(input)
      let view = Memory(
        buffer: result.buffer, descriptor: try MemoryDescriptor(part, strides: strides),
        byteOffset: result.byteOffset + start * strides[axis] * type.scalar.byteCount)
      try plan.copy(from: plan.memory(input), to: view)
      start += part.shape[axis]
    }
  }
}

extension Sum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let type = plan.type(site.outputs[0])
    guard type.shape != plan.type(site.inputs[0]).shape else {
      plan.alias(site.outputs[0], to: try plan.memory(site.inputs[0]))
      return
    }
    let source = try plan.memory(site.inputs[0])
    let plain = try MemoryDescriptor.plain(type)
    let primitive = try Primitive("sum") {
      lockstep_reduction_sum(&$0, $1, source.descriptor.handle, plain.handle, $2)
    }
    plan.emit(
      primitive, [(DNNL_ARG_SRC, source), (DNNL_ARG_DST, plan.define(site.outputs[0], plain))])
  }
}

extension MatrixProduct: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    func operand(_ value: Graph.ValueID, transposed: Bool) throws -> Memory {
      let memory = try plan.plain(value)
      guard transposed else { return memory }
      var shape = plan.type(value).shape
      var strides = rowMajorStrides(shape)
      shape.swapAt(shape.count - 1, shape.count - 2)
      strides.swapAt(strides.count - 1, strides.count - 2)
      return Memory(
        buffer: memory.buffer,
        descriptor: try MemoryDescriptor(TensorType(shape), strides: strides),
        byteOffset: memory.byteOffset)
    }
    let a = try operand(site.inputs[0], transposed: transposeLeft)
    let b = try operand(site.inputs[1], transposed: transposeRight)
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let primitive = try Primitive("matmul") {
      lockstep_matmul(
        &$0, $1, a.descriptor.handle, b.descriptor.handle, result.descriptor.handle, $2)
    }
    plan.emit(primitive, [(DNNL_ARG_SRC, a), (DNNL_ARG_WEIGHTS, b), (DNNL_ARG_DST, result)])
  }
}
