internal import COneDNN

extension BatchNormalization: Lowerable, AbsorbsRectifier {
  var rectifiedGradientReadsShift: Bool { false }

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let rectified = plan.fusion.rectified[site.index]
    let source = try plan.spatial(site.inputs[0])
    let primitive = try Primitive(name) {
      lockstep_batch_normalization_forward(
        &$0, $1, source.descriptor.handle, epsilon, 0, rectified != nil ? 1 : 0, $2)
    }
    let channels = plan.type(site.inputs[1]).shape
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, source),
      (DNNL_ARG_SCALE, try plan.plain(site.inputs[1])),
      (DNNL_ARG_SHIFT, try plan.plain(site.inputs[2])),
      (DNNL_ARG_DST, try plan.defineSpatial(rectified ?? site.outputs[0], like: source)),
      (DNNL_ARG_MEAN, plan.define(site.outputs[1], try .plain(channels))),
      (DNNL_ARG_VARIANCE, plan.define(site.outputs[2], try .plain(channels))),
    ]
    if let workspace = primitive.layout(dnnl_query_workspace_md) {
      arguments.append((DNNL_ARG_WORKSPACE, plan.workspace(of: site.index, workspace)))
    }
    plan.keep(primitive, of: site.index)
    plan.emit(primitive, arguments)
  }
}

extension BatchNormalizationGradient: Lowerable, AbsorbsRectifierGradient {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let rectified = plan.fusion.rectifiedGradient[site.index]
    let source = try plan.spatial(site.inputs[0])
    let dy = try plan.spatial(rectified?.gradient ?? site.inputs[1], as: source.descriptor)
    let forward: Primitive
    if let rectified, let kept = plan.primitive(of: rectified.forward) {
      forward = kept
    } else {
      forward = try Primitive("batch normalization") {
        lockstep_batch_normalization_forward(
          &$0, $1, source.descriptor.handle, epsilon, 0, 0, $2)
      }
    }
    let primitive = try Primitive(name) {
      lockstep_batch_normalization_backward(
        &$0, $1, dy.descriptor.handle, source.descriptor.handle, epsilon, rectified != nil ? 1 : 0,
        forward.descriptor, $2)
    }
    let channels = try MemoryDescriptor.plain(plan.type(site.inputs[2]))
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, source),
      (DNNL_ARG_DIFF_DST, dy),
      (DNNL_ARG_SCALE, try plan.plain(site.inputs[2])),
      (DNNL_ARG_MEAN, try plan.plain(site.inputs[3])),
      (DNNL_ARG_VARIANCE, try plan.plain(site.inputs[4])),
      (
        DNNL_ARG_DIFF_SRC,
        try plan.defineSpatial(
          site.outputs[0], like: source, reusing: rectified?.gradient ?? site.inputs[1], in: site)
      ),
      (DNNL_ARG_DIFF_SCALE, plan.define(site.outputs[1], channels)),
      (DNNL_ARG_DIFF_SHIFT, plan.define(site.outputs[2], channels)),
    ]
    if lockstep_normalization_gradient_has_shift() != 0 {
      // The scale stands in.
      arguments.append((DNNL_ARG_SHIFT, try plan.plain(site.inputs[2])))
    }
    if let rectified, let workspace = primitive.layout(dnnl_query_workspace_md) {
      arguments.append((DNNL_ARG_WORKSPACE, plan.workspace(of: rectified.forward, workspace)))
    }
    plan.emit(primitive, arguments)
  }
}

extension FixedNormalization: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.spatial(site.inputs[0])
    let primitive = try Primitive(name) {
      lockstep_batch_normalization_forward(&$0, $1, source.descriptor.handle, epsilon, 1, 0, $2)
    }
    plan.emit(
      primitive,
      [
        (DNNL_ARG_SRC, source),
        (DNNL_ARG_SCALE, try plan.plain(site.inputs[1])),
        (DNNL_ARG_SHIFT, try plan.plain(site.inputs[2])),
        (DNNL_ARG_MEAN, try plan.plain(site.inputs[3])),
        (DNNL_ARG_VARIANCE, try plan.plain(site.inputs[4])),
        (DNNL_ARG_DST, try plan.defineSpatial(site.outputs[0], like: source)),
      ])
  }
}
