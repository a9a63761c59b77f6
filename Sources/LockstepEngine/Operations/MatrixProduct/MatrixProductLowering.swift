internal import CLockstepKernels
internal import COneDNN

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
