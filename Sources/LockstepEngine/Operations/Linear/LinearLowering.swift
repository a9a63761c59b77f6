internal import CLockstepKernels
internal import COneDNN

extension LinearMap: Lowerable, AbsorbsPostOperation {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    if let dense = plan.dense, try lower(site, plan, with: dense) { return }
    let (x, w) = (site.inputs[0], site.inputs[1])
    let bias = site.inputs.count > 2 ? site.inputs[2] : nil
    let fused = plan.fusion.activation[site.index]
    let primitive = try LinearPrimitives.forward(
      plan.type(x).shape, plan.type(w).shape, plan.factor, bias: bias != nil, packed: true,
      fusing: fused?.function, result: plan.precision.storage(fused?.output ?? site.outputs[0]))
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, try plan.memory(x, as: primitive.layout(dnnl_query_src_md)!)),
      (DNNL_ARG_WEIGHTS, try plan.memory(w, as: primitive.layout(dnnl_query_weights_md)!)),
    ]
    if let bias { arguments.append((DNNL_ARG_BIAS, try plan.plain(bias))) }
    let result = plan.define(fused?.output ?? site.outputs[0], primitive.layout(dnnl_query_dst_md)!)
    plan.emit(primitive, arguments + [(DNNL_ARG_DST, result)])
  }
}

extension LinearInputGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    if let dense = plan.dense { return try lower(site, plan, with: dense) }
    let (dy, w) = (site.inputs[0], site.inputs[1])
    let x = plan.type(site.outputs[0]).shape
    // Float32 weights lie there in the row-major layout already; bfloat16 ones are packed for the
    // forward pass, and packed is as fast here.
    let packed = plan.factor == .bfloat16
    let forward = try LinearPrimitives.forward(
      x, plan.type(w).shape, plan.factor, bias: false, packed: packed)
    let (diffX, weights, diffY) = (
      try MemoryDescriptor.any(x, plan.precision.storage(site.outputs[0])),
      packed
        ? try MemoryDescriptor.any(plan.type(w).shape, plan.factor)
        : try MemoryDescriptor.plain(plan.type(w).shape),
      try MemoryDescriptor.any(plan.type(dy).shape, plan.factor)
    )
    let primitive = try Primitive("inner product, gradient by data") {
      lockstep_inner_product_backward_data(
        &$0, $1, diffX.handle, weights.handle, diffY.handle, forward.descriptor, $2)
    }
    let arguments = [
      (DNNL_ARG_DIFF_DST, try plan.memory(dy, as: primitive.layout(dnnl_query_diff_dst_md)!)),
      (DNNL_ARG_WEIGHTS, try plan.memory(w, as: primitive.layout(dnnl_query_weights_md)!)),
    ]
    let result = plan.define(site.outputs[0], primitive.layout(dnnl_query_diff_src_md)!)
    plan.emit(primitive, arguments + [(DNNL_ARG_DIFF_SRC, result)])
  }
}

extension LinearWeightGradient: Lowerable, OuterProductGradient {
  /// Float32 products, oneDNN's and our own, add up to so many terms before they touch the result, so that
  /// adding to a sum rounds once, like adding a finished gradient. oneDNN's bfloat16 product always does.
  private static let longestSum = 128

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0], plan.factor)
    let gradient = try plan.plain(site.inputs[1], plan.factor)
    let (n, rows) = plan.rows(site.inputs[1])
    let isRounded = plan.factor == .bfloat16
    if let slot = plan.deferredSlot(of: site.outputs[0]) {
      plan.handOver(.init(slot: slot, kind: .inputs), source)
      plan.handOver(.init(slot: slot, kind: .gradients), gradient)
    } else {
      let result = plan.define(
        site.outputs[0], try .plain(plan.type(site.outputs[0])),
        accumulating: isRounded || n <= Self.longestSum)
      if isRounded {
        try emitProduct(of: gradient, source, result, plan)
      } else if let dense = plan.dense {
        emitKernel(of: gradient, source, result, plan, dense)
      } else {
        emitFloatProduct(of: gradient, source, result, plan)
      }
    }
    guard bias else { return }
    let sum = plan.define(site.outputs[1], try .plain([rows]))
    let kernels = plan.isa.kernels.pointee
    if plan.shards > 1 { return emitSums(of: gradient, sum, plan) }
    plan.emit([gradient, sum]) { addresses in
      let (dy, db) = (addresses[0], addresses[1].floats)
      return isRounded
        ? { _ in kernels.sum_bf16_rows(db, dy.halves, n, rows) }
        : { _ in kernels.sum_rows(db, dy.floats, n, rows) }
    }
  }

  /// The sums of several shards' rows, added up as a binary counter carries.
  private func emitSums(of gradient: Memory, _ result: Memory, _ plan: PlanBuilder) {
    let (all, rows) = (gradient.descriptor.shape[0], gradient.descriptor.shape[1])
    let (shards, n) = (plan.shards, all / plan.shards)
    let waiting = plan.scratch(shards.trailingZeroBitCount * rows * MemoryLayout<Float>.stride)
    let sum = plan.isa.kernels.pointee.sum_rows!
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    plan.emit([gradient, result, waiting]) { addresses in
      let (dy, db, waiting) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in
        for shard in 0..<shards {
          sum(db, dy + shard * n * rows, n, rows)
          let carries = (~shard).trailingZeroBitCount
          for level in 0..<carries { add(db, waiting + level * rows, db, rows) }
          if shard + 1 < shards { (waiting + carries * rows).update(from: db, count: rows) }
        }
      }
    }
  }

  /// dw = dyᵀ · x by the library's function.
  private func emitFloatProduct(
    of gradient: Memory, _ source: Memory, _ result: Memory, _ plan: PlanBuilder
  ) {
    let (rows, columns) = (result.descriptor.shape[0], result.descriptor.shape[1])
    let n = source.descriptor.shape[0]
    let mayAccumulate = result.buffer.region == .sum
    plan.emit([source, gradient, result], calling: "dnnl_sgemm") { addresses in
      let (x, dy, dw) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { context in
        let status = lockstep_transposed_product(
          dw, dy, x, Int64(rows), Int64(columns), Int64(n),
          context.accumulates && mayAccumulate ? 1 : 0)
        // It refuses nothing but sizes and strides that are not positive.
        precondition(status == 0, "dnnl_sgemm refused \(rows) x \(columns) x \(n)")
      }
    }
  }

  /// dw = dyᵀ · x by primitives, with a Float32 result.
  private func emitProduct(
    of gradient: Memory, _ source: Memory, _ result: Memory, _ plan: PlanBuilder
  ) throws {
    let (rows, n) = (result.descriptor.shape[0], source.descriptor.shape[0])
    let transposed = Memory(
      buffer: gradient.buffer,
      descriptor: try MemoryDescriptor([rows, n], strides: [1, rows], plan.factor),
      byteOffset: gradient.byteOffset)
    func primitive(adding: Bool) throws -> Primitive {
      try Primitive("matmul, gradient by weights", adding: adding) {
        lockstep_matmul(
          &$0, $1, transposed.descriptor.handle, source.descriptor.handle,
          result.descriptor.handle, $2)
      }
    }
    let arguments = [
      (DNNL_ARG_SRC, transposed), (DNNL_ARG_WEIGHTS, source), (DNNL_ARG_DST, result),
    ]
    if result.buffer.region == .sum {
      plan.emit(
        try primitive(adding: false), adding: try primitive(adding: true), arguments)
    } else {
      plan.emit(try primitive(adding: false), arguments)
    }
  }
}

private enum LinearPrimitives {
  /// The forward primitive. It runs with packed weights, up to twice as fast as with row-major ones;
  /// gradients by input and weight are as fast or faster in the row-major layout, in which they
  /// need no conversion.
  static func forward(
    _ x: [Int], _ w: [Int], _ factor: StorageType, bias: Bool, packed: Bool = false,
    fusing: Eltwise? = nil, result storage: StorageType? = nil
  ) throws -> Primitive {
    let (source, weights, offset, result) = (
      try MemoryDescriptor.any(x, factor),
      packed ? try MemoryDescriptor.any(w, factor) : try MemoryDescriptor.plain(w, factor),
      bias ? try MemoryDescriptor.plain([w[0]]) : nil,
      try MemoryDescriptor.any([x[0], w[0]], storage ?? factor)
    )
    return try Primitive("inner product", fusing: fusing) {
      lockstep_inner_product_forward(
        &$0, $1, source.handle, weights.handle, offset?.handle, result.handle, $2)
    }
  }
}

extension LinearMap: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    let fused = plan.fusion.activation[site.index]
    return plan.dense != nil && fused?.isRectifier ?? true
      && plan.arePerExample(site.inputs.prefix(1)) && plan.areShared(site.inputs.dropFirst())
  }
}

extension LinearInputGradient: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.dense != nil && plan.arePerExample(site.inputs.prefix(1))
      && plan.areShared(site.inputs.dropFirst())
  }
}

extension LinearWeightGradient: ShardwiseLowerable {
  /// Sums over shards are the leaf's, and nobody else's.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.dense != nil && plan.arePerExample(site.inputs)
      && site.outputs.allSatisfy { plan.useCount(of: $0) == plan.slotCount(of: $0) }
  }
}
