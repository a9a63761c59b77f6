internal import CLockstepKernels
internal import COneDNN

extension Activation: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.memory(site.inputs[0])
    let primitive = try kind.forward(source.descriptor)
    // A kind that derives from its argument needs that argument later: the builder knows.
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    plan.emit(primitive, [(DNNL_ARG_SRC, source), (DNNL_ARG_DST, result)])
  }
}

extension ActivationGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let known = try plan.memory(site.inputs[1])
    let dy = try plan.memory(site.inputs[0], as: known.descriptor)
    let forward = try kind.forward(known.descriptor)
    let (algorithm, alpha, beta) = kind.algorithm
    let primitive = try Primitive("eltwise, gradient") {
      lockstep_eltwise_backward(
        &$0, $1, algorithm, known.descriptor.handle, known.descriptor.handle, alpha, beta,
        forward.descriptor, $2)
    }
    let result = plan.define(site.outputs[0], known.descriptor, reusing: site.inputs[0], in: site)
    plan.emit(
      primitive,
      [
        (kind.derivesFromOutput ? DNNL_ARG_DST : DNNL_ARG_SRC, known), (DNNL_ARG_DIFF_DST, dy),
        (DNNL_ARG_DIFF_SRC, result),
      ])
  }
}

extension Activation.Kind {
  fileprivate func forward(_ data: MemoryDescriptor) throws -> Primitive {
    let (algorithm, alpha, beta) = algorithm
    return try Primitive("eltwise") {
      lockstep_eltwise_forward(&$0, $1, algorithm, data.handle, alpha, beta, $2)
    }
  }
}

extension Binary: Lowerable {
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
    let primitive = try Primitive("binary \(kind)", fusing: fused?.kind) {
      lockstep_binary(
        &$0, $1, algorithm, a.descriptor.handle, b.descriptor.handle, a.descriptor.handle, $2)
    }
    let result = plan.define(
      fused?.output ?? site.outputs[0], a.descriptor, reusing: site.inputs[0], in: site)
    plan.emit(primitive, [(DNNL_ARG_SRC_0, a), (DNNL_ARG_SRC_1, b), (DNNL_ARG_DST, result)])
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

extension Dropout: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plainAsComputed(site.inputs[0])
    let isRounded = source.descriptor.storage == .bfloat16
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let (rows, columns) = plan.rows(site.inputs[0])
    let kernels = plan.isa.kernels.pointee
    let threshold = UInt32(Double(rate) * 0x1p32)
    let scale = 1 / (1 - rate)
    let mixed = key &* 0x9E37_79B9
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0], addresses[1])
      return { context in
        var mask = lockstep_dropout(
          key_low: UInt32(truncatingIfNeeded: context.seed) ^ mixed,
          key_high: UInt32(truncatingIfNeeded: context.seed >> 32),
          step_low: UInt32(truncatingIfNeeded: context.step),
          step_high: UInt32(truncatingIfNeeded: context.step >> 32),
          first_example: UInt32(truncatingIfNeeded: context.firstExample), threshold: threshold,
          scale: scale)
        if isRounded {
          kernels.dropout_bf16(y.halves, x.halves, rows, columns, &mask)
        } else {
          kernels.dropout(y.floats, x.floats, rows, columns, &mask)
        }
      }
    }
  }
}
