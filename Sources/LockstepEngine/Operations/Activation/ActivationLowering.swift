internal import CLockstepKernels
internal import COneDNN

extension Activation: Lowerable, PostOperation {
  var postOperation: Eltwise? { kind.derivesFromOutput ? kind.forwardFunction : nil }
  var isRectifier: Bool { kind == .relu(slope: 0) }

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.memory(site.inputs[0])
    let primitive = try kind.forward(source.descriptor)
    // A kind that derives from its argument needs that argument later: the builder knows.
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    plan.emit(primitive, [(DNNL_ARG_SRC, source), (DNNL_ARG_DST, result)])
  }
}

extension ActivationGradient: Lowerable, PostOperationGradient {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let known = try plan.memory(site.inputs[1])
    let dy = try plan.memory(site.inputs[0], as: known.descriptor)
    let forward = try kind.forward(known.descriptor)
    let function = kind.function
    let primitive = try Primitive("eltwise, gradient") {
      lockstep_eltwise_backward(
        &$0, $1, function.algorithm, known.descriptor.handle, known.descriptor.handle,
        function.alpha, function.beta,
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
    let function = function
    return try Primitive("eltwise") {
      lockstep_eltwise_forward(
        &$0, $1, function.algorithm, data.handle, function.alpha, function.beta, $2)
    }
  }
}

// Of activations those that are exact: their bits do not depend on how the library computes them.

extension Activation: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    kind == .relu(slope: 0) && plan.arePerExample(site.inputs)
  }
}

extension ActivationGradient: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    kind == .relu(slope: 0) && plan.arePerExample(site.inputs)
  }
}

extension Activation.Kind {
  /// oneDNN's function where no gradient will be asked for, as in a post-op.
  var forwardFunction: Eltwise {
    switch self {
    case .relu(let slope): Eltwise(dnnl_eltwise_relu, slope)
    case .sigmoid: Eltwise(dnnl_eltwise_logistic)
    case .tanh: Eltwise(dnnl_eltwise_tanh)
    case .elu(let alpha): Eltwise(dnnl_eltwise_elu, alpha)
    case .exp: Eltwise(dnnl_eltwise_exp)
    case .squareRoot: Eltwise(dnnl_eltwise_sqrt)
    default: function
    }
  }

  /// oneDNN's function. Kinds that derive from their output use the variant that does.
  var function: Eltwise {
    switch self {
    case .relu(let slope):
      Eltwise(
        derivesFromOutput ? dnnl_eltwise_relu_use_dst_for_bwd : dnnl_eltwise_relu, slope)
    case .sigmoid: Eltwise(dnnl_eltwise_logistic_use_dst_for_bwd)
    case .tanh: Eltwise(dnnl_eltwise_tanh_use_dst_for_bwd)
    case .gelu: Eltwise(dnnl_eltwise_gelu_erf)
    case .geluTanh: Eltwise(dnnl_eltwise_gelu_tanh)
    case .silu: Eltwise(dnnl_eltwise_swish, 1)
    case .softplus: Eltwise(dnnl_eltwise_soft_relu, 1)
    case .elu(let alpha):
      Eltwise(derivesFromOutput ? dnnl_eltwise_elu_use_dst_for_bwd : dnnl_eltwise_elu, alpha)
    case .exp: Eltwise(dnnl_eltwise_exp_use_dst_for_bwd)
    case .log: Eltwise(dnnl_eltwise_log)
    case .squareRoot: Eltwise(dnnl_eltwise_sqrt_use_dst_for_bwd)
    case .square: Eltwise(dnnl_eltwise_square)
    case .absolute: Eltwise(dnnl_eltwise_abs)
    case .affine(let scale, let shift): Eltwise(dnnl_eltwise_linear, scale, shift)
    }
  }
}
