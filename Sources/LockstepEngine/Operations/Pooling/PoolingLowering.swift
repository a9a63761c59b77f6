internal import COneDNN

extension Pooling: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.memory(site.inputs[0])
    let shape = plan.type(site.outputs[0]).shape
    if kind == .maximum, let kernel = try MaximumKernel(window, source.descriptor, shape) {
      return try lower(site, plan, source, with: kernel)
    }
    let primitive = try forward(source.descriptor, shape)
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, source),
      (DNNL_ARG_DST, plan.define(site.outputs[0], primitive.layout(dnnl_query_dst_md)!)),
    ]
    plan.keep(primitive, of: site.index)
    if let workspace = primitive.layout(dnnl_query_workspace_md) {
      arguments.append((DNNL_ARG_WORKSPACE, plan.define(site.outputs[1], workspace)))
    }
    plan.emit(primitive, arguments)
  }

  func forward(_ source: MemoryDescriptor, _ shape: [Int]) throws -> Primitive {
    let destination = try MemoryDescriptor.any(shape, source.storage ?? .float32)
    var window = window.primitive
    return try Primitive(name) {
      lockstep_pooling_forward(
        &$0, $1, primitiveKind, source.handle, destination.handle, &window, $2)
    }
  }

  var primitiveKind: lockstep_pool {
    switch kind {
    case .maximum: LOCKSTEP_POOL_MAX
    case .average(let countsPadding):
      countsPadding ? LOCKSTEP_POOL_AVERAGE_PADDED : LOCKSTEP_POOL_AVERAGE_VALID
    }
  }
}

extension PoolingGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    if let kernel = try maximumKernel(site, plan) {
      return try lower(site, plan, with: kernel)
    }
    let dy = site.inputs[0]
    // A max pooling's gradient reads what its forward pass wrote, so it follows its layouts.
    let forward: Primitive
    if pooling.kind == .maximum, let producer = plan.graph.values[site.inputs[1]].producer,
      let kept = plan.primitive(of: producer)
    {
      forward = kept
    } else {
      forward = try pooling.forward(
        plan.memory(site.inputs[1]).descriptor, plan.type(dy).shape)
    }
    guard let diffX = forward.layout(dnnl_query_src_md),
      let diffY = forward.layout(dnnl_query_dst_md)
    else { throw GraphError("internal: a pooling without layouts") }
    var window = pooling.window.primitive
    let primitive = try Primitive(name) {
      lockstep_pooling_backward(
        &$0, $1, pooling.primitiveKind, diffX.handle, diffY.handle, &window, forward.descriptor, $2)
    }
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_DIFF_DST, try plan.memory(dy, as: primitive.layout(dnnl_query_diff_dst_md)!)),
      (DNNL_ARG_DIFF_SRC, plan.define(site.outputs[0], primitive.layout(dnnl_query_diff_src_md)!)),
    ]
    if pooling.kind == .maximum {
      arguments.append((DNNL_ARG_WORKSPACE, try plan.memory(site.inputs[1])))
    }
    plan.emit(primitive, arguments)
  }
}
