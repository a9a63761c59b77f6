internal import CLockstepKernels
internal import COneDNN

extension Reshape: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plainAsComputed(site.inputs[0])
    plan.alias(
      site.outputs[0],
      to: Memory(
        buffer: source.buffer,
        descriptor: try .plain(
          plan.type(site.outputs[0]).shape, plan.storage(site.inputs[0])),
        byteOffset: source.byteOffset))
  }
}

extension Transpose: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let storage = try plan.storage(site.inputs[0])
    let source = try plan.plain(site.inputs[0], storage)
    let shape = plan.type(site.outputs[0]).shape
    let strides = rowMajorStrides(plan.type(site.inputs[0]).shape)
    let view = Memory(
      buffer: source.buffer,
      descriptor: try MemoryDescriptor(
        shape, strides: permutation.map { strides[$0] }, storage),
      byteOffset: source.byteOffset)
    try plan.copy(from: view, to: plan.define(site.outputs[0], .plain(shape, storage)))
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

extension Concatenate: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let shape = plan.type(site.outputs[0]).shape
    let strides = rowMajorStrides(shape)
    // Constants that fill up are Float32; what is computed decides.
    let storages = try site.inputs.map(plan.storage)
    let storage = storages.contains(.bfloat16) ? .bfloat16 : storages[0]
    let result = plan.define(site.outputs[0], try .plain(shape, storage))
    var start = 0
    for input in site.inputs {
      let part = plan.type(input).shape
      let view = Memory(
        buffer: result.buffer, descriptor: try MemoryDescriptor(part, strides: strides, storage),
        byteOffset: result.byteOffset + start * strides[axis] * storage.byteCount)
      try plan.copy(from: plan.memory(input), to: view)
      start += part[axis]
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
    let source =
      try plan.storage(site.inputs[0]) == .float32
      ? plan.memory(site.inputs[0]) : plan.plain(site.inputs[0])
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
      let memory = try plan.plain(value, plan.factor)
      guard transposed else { return memory }
      var shape = plan.type(value).shape
      var strides = rowMajorStrides(shape)
      shape.swapAt(shape.count - 1, shape.count - 2)
      strides.swapAt(strides.count - 1, strides.count - 2)
      return Memory(
        buffer: memory.buffer,
        descriptor: try MemoryDescriptor(shape, strides: strides, plan.factor),
        byteOffset: memory.byteOffset)
    }
    let a = try operand(site.inputs[0], transposed: transposeLeft)
    let b = try operand(site.inputs[1], transposed: transposeRight)
    let result = plan.define(
      site.outputs[0],
      try .plain(
        plan.type(site.outputs[0]).shape, plan.precision.storage(site.outputs[0])))
    let primitive = try Primitive("matmul") {
      lockstep_matmul(
        &$0, $1, a.descriptor.handle, b.descriptor.handle, result.descriptor.handle, $2)
    }
    plan.emit(primitive, [(DNNL_ARG_SRC, a), (DNNL_ARG_WEIGHTS, b), (DNNL_ARG_DST, result)])
  }
}
