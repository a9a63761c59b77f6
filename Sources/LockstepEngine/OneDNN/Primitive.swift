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
  ///   - fused: an elementwise function that is applied to the result.
  ///   - adding: whether the result is added to what lies in its place.
  ///   - make: fills in the primitive descriptor; gets the engine and the attributes.
  init(
    _ name: String, fusing fused: Eltwise? = nil, adding: Bool = false,
    _ make: (inout OpaquePointer?, OpaquePointer, OpaquePointer?) -> Int32
  ) throws(OneDNNError) {
    var attributes: OpaquePointer?
    try check("attributes", lockstep_attr_create(&attributes))
    defer { lockstep_attr_destroy(attributes) }
    if let fused {
      try check(
        "post-op",
        lockstep_attr_post_eltwise(attributes, fused.algorithm, fused.alpha, fused.beta))
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
