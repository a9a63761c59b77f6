internal import COneDNN

/// A computation that oneDNN compiled for fixed shapes and layouts.
final class Primitive {
  /// The description, which knows the layouts that were chosen.
  let descriptor: OpaquePointer
  let handle: OpaquePointer
  /// The name of the implementation that oneDNN picked, `jit:avx512_core` say.
  let implementation: String
  /// The working memory that the caller lends, if any.
  let scratchpad: MemoryDescriptor?

  /// Describes and compiles a primitive.
  ///
  /// - Parameters:
  ///   - name: what it is, for errors.
  ///   - fused: an activation that is applied to the result.
  ///   - adding: whether the result is added to what lies in its place.
  ///   - make: fills in the primitive descriptor; gets the engine and the attributes.
  init(
    _ name: String, fusing fused: Activation.Kind? = nil, adding: Bool = false,
    _ make: (inout OpaquePointer?, OpaquePointer, OpaquePointer?) -> Int32
  ) throws(OneDNNError) {
    var attributes: OpaquePointer?
    try check("attributes", lockstep_attr_create(&attributes))
    defer { lockstep_attr_destroy(attributes) }
    if let fused {
      let (kind, alpha, beta) = fused.forwardAlgorithm
      try check("post-op", lockstep_attr_post_eltwise(attributes, kind, alpha, beta))
    }
    if adding { try check("post-op", lockstep_attr_post_sum(attributes)) }
    var descriptor: OpaquePointer?
    try check(name, make(&descriptor, try OneDNNEngine.shared().handle, attributes))
    var primitive: OpaquePointer?
    let status = dnnl_primitive_create(&primitive, descriptor)
    if status != dnnl_success {
      dnnl_primitive_desc_destroy(descriptor)
      throw OneDNNError(call: name, status: Int32(status.rawValue))
    }
    self.descriptor = descriptor!
    handle = primitive!
    implementation = String(cString: lockstep_pd_implementation(descriptor))
    scratchpad = MemoryDescriptor(of: descriptor!, dnnl_query_scratchpad_md)
  }

  deinit {
    dnnl_primitive_destroy(handle)
    dnnl_primitive_desc_destroy(descriptor)
  }

  /// The layout of an argument, nil where there is none.
  func layout(_ query: dnnl_query_t, _ index: Int32 = 0) -> MemoryDescriptor? {
    MemoryDescriptor(of: descriptor, query, index: index)
  }

  /// A copy from one layout to another.
  static func reorder(
    from source: MemoryDescriptor, to destination: MemoryDescriptor
  ) throws(OneDNNError) -> Primitive {
    try Primitive("reorder") {
      lockstep_reorder(&$0, $1, source.handle, destination.handle, $2)
    }
  }
}

extension Activation.Kind {
  /// oneDNN's name and parameters where no gradient will be asked for, as in a post-op.
  var forwardAlgorithm: (dnnl_alg_kind_t, alpha: Float, beta: Float) {
    switch self {
    case .relu(let slope): (dnnl_eltwise_relu, slope, 0)
    case .sigmoid: (dnnl_eltwise_logistic, 0, 0)
    case .tanh: (dnnl_eltwise_tanh, 0, 0)
    case .elu(let alpha): (dnnl_eltwise_elu, alpha, 0)
    case .exp: (dnnl_eltwise_exp, 0, 0)
    case .squareRoot: (dnnl_eltwise_sqrt, 0, 0)
    default: algorithm
    }
  }

  /// oneDNN's name and parameters. Kinds that derive from their output use the variant that does.
  var algorithm: (dnnl_alg_kind_t, alpha: Float, beta: Float) {
    switch self {
    case .relu(let slope):
      (derivesFromOutput ? dnnl_eltwise_relu_use_dst_for_bwd : dnnl_eltwise_relu, slope, 0)
    case .sigmoid: (dnnl_eltwise_logistic_use_dst_for_bwd, 0, 0)
    case .tanh: (dnnl_eltwise_tanh_use_dst_for_bwd, 0, 0)
    case .gelu: (dnnl_eltwise_gelu_erf, 0, 0)
    case .silu: (dnnl_eltwise_swish, 1, 0)
    case .softplus: (dnnl_eltwise_soft_relu, 1, 0)
    case .elu(let alpha):
      (derivesFromOutput ? dnnl_eltwise_elu_use_dst_for_bwd : dnnl_eltwise_elu, alpha, 0)
    case .exp: (dnnl_eltwise_exp_use_dst_for_bwd, 0, 0)
    case .log: (dnnl_eltwise_log, 0, 0)
    case .squareRoot: (dnnl_eltwise_sqrt_use_dst_for_bwd, 0, 0)
    case .square: (dnnl_eltwise_square, 0, 0)
    case .absolute: (dnnl_eltwise_abs, 0, 0)
    case .affine(let scale, let shift): (dnnl_eltwise_linear, scale, shift)
    }
  }
}
