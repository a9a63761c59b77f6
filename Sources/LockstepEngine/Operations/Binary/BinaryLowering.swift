internal import CLockstepKernels
internal import COneDNN

extension Binary: Lowerable, AbsorbsPostOperation {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let a = try plan.memory(site.inputs[0])
    let shapes = (plan.type(site.inputs[0]).shape, plan.type(site.inputs[1]).shape)
    let b =
      shapes.0 == shapes.1
      ? try plan.memory(site.inputs[1], as: a.descriptor)
      : try repeated(site.inputs[1], along: a, plan)
    let algorithm =
      switch kind {
      case .add: dnnl_binary_add
      case .subtract: dnnl_binary_sub
      case .multiply: dnnl_binary_mul
      case .divide: dnnl_binary_div
      }
    let fused = plan.fusion.activation[site.index]
    // Where channels are filled up to whole blocks, oneDNN 2.6 computes other values with a fused function.
    let isFilledUp =
      a.descriptor.byteCount > plan.type(site.inputs[0]).count
      * (a.descriptor.storage ?? .float32).byteCount
    let primitive = try Primitive(
      "binary \(kind)", fusing: isFilledUp ? nil : fused?.function
    ) {
      lockstep_binary(
        &$0, $1, algorithm, a.descriptor.handle, b.descriptor.handle, a.descriptor.handle, $2)
    }
    let result = plan.define(
      fused?.output ?? site.outputs[0], a.descriptor, reusing: site.inputs[0], in: site)
    plan.emit(primitive, [(DNNL_ARG_SRC_0, a), (DNNL_ARG_SRC_1, b), (DNNL_ARG_DST, result)])
    guard isFilledUp, let function = fused?.function else { return }
    let behind = try Primitive("eltwise") {
      lockstep_eltwise_forward(
        &$0, $1, function.algorithm, a.descriptor.handle, function.alpha, function.beta, $2)
    }
    plan.emit(behind, [(DNNL_ARG_SRC, result), (DNNL_ARG_DST, result)])
  }
}

extension Binary {
  /// An operand whose dimensions of one are repeated along another, in Float32: a value a channel
  /// in blocks where the images are, which the fast primitives ask for, else row-major.
  private func repeated(
    _ value: Graph.ValueID, along images: Memory, _ plan: PlanBuilder
  ) throws -> Memory {
    let (whole, part) = (images.descriptor.shape, plan.type(value).shape)
    guard whole.count == 4, part == [1, whole[1], 1, 1], whole[1] % 16 == 0,
      try images.descriptor
        == .image(whole, LOCKSTEP_CHANNELS_BY_16, images.descriptor.storage ?? .float32)
    else { return try plan.plain(value) }
    return try plan.memory(value, as: .image(part, LOCKSTEP_CHANNELS_BY_16))
  }
}
