internal import CLockstepKernels
internal import COneDNN

extension LinearMap: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, w) = (site.inputs[0], site.inputs[1])
    let bias = site.inputs.count > 2 ? site.inputs[2] : nil
    let fused = plan.fusion.activation[site.index]
    let primitive = try LinearPrimitives.forward(
      plan.type(x).shape, plan.type(w).shape, bias: bias != nil, packed: true, fusing: fused?.kind)
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
    let (dy, w) = (site.inputs[0], site.inputs[1])
    let x = plan.type(site.outputs[0]).shape
    let forward = try LinearPrimitives.forward(x, plan.type(w).shape, bias: false)
    let (diffX, weights, diffY) = (
      try MemoryDescriptor.any(x), try MemoryDescriptor.plain(plan.type(w).shape),
      try MemoryDescriptor.any(plan.type(dy).shape)
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

extension LinearWeightGradient: Lowerable {
  /// oneDNN's matrix product adds up to so many terms before it touches the result, so that adding
  /// to a sum rounds once, like adding a finished gradient.
  private static let longestSum = 128

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, dy) = (site.inputs[0], site.inputs[1])
    let (inputs, outputs) = (plan.type(x).shape, plan.type(dy).shape)
    let (source, gradient) = (try plan.plain(x), try plan.plain(dy))
    let (n, columns, rows) = (inputs[0], inputs[1], outputs[1])
    let result = plan.define(
      site.outputs[0], try .plain([rows, columns]), accumulating: n <= Self.longestSum)
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
    guard bias else { return }
    let sum = plan.define(site.outputs[1], try .plain([rows]))
    let kernel = plan.isa.kernels.pointee.sum_rows!
    plan.emit([gradient, sum]) { addresses in
      let (dy, db) = (addresses[0].floats, addresses[1].floats)
      return { _ in kernel(db, dy, n, rows) }
    }
  }
}

private enum LinearPrimitives {
  /// The forward primitive. It runs with packed weights, up to twice as fast as with row-major ones;
  /// gradients by input and weight are as fast or faster in the row-major layout, in which they
  /// need no conversion.
  static func forward(
    _ x: [Int], _ w: [Int], bias: Bool, packed: Bool = false, fusing: Activation.Kind? = nil
  ) throws -> Primitive {
    let (source, weights, offset, result) = (
      try MemoryDescriptor.any(x),
      packed ? try MemoryDescriptor.any(w) : try MemoryDescriptor.plain(w),
      bias ? try MemoryDescriptor.plain([w[0]]) : nil, try MemoryDescriptor.any([x[0], w[0]])
    )
    return try Primitive("inner product", fusing: fusing) {
      lockstep_inner_product_forward(
        &$0, $1, source.handle, weights.handle, offset?.handle, result.handle, $2)
    }
  }
}
