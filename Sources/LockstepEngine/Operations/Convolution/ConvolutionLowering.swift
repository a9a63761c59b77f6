internal import COneDNN

extension Convolution: Lowerable, AbsorbsPostOperation {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, w) = (site.inputs[0], site.inputs[1])
    let bias = site.inputs.count > 2 ? site.inputs[2] : nil
    let fused = plan.fusion.activation[site.index]
    if fused?.isRectifier != false,
      let winograd = Winograd(
        self, plan.type(x).shape, plan.type(site.outputs[0]).shape, plan)
    {
      return try winograd.lower(site, plan, rectifying: fused?.output)
    }
    let primitive = try choosing(plan, plan.type(x).shape, plan.type(w).shape) { winograd in
      try forward(
        plan, plan.type(x).shape, plan.type(w).shape, plan.type(site.outputs[0]).shape,
        bias: bias != nil, winograd: winograd, fusing: fused?.function,
        result: plan.precision.storage(fused?.output ?? site.outputs[0]))
    }
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, try plan.memory(x, as: primitive.layout(dnnl_query_src_md)!)),
      (DNNL_ARG_WEIGHTS, try weights(w, plan, primitive.layout(dnnl_query_weights_md)!)),
    ]
    if let bias { arguments.append((DNNL_ARG_BIAS, try plan.plain(bias))) }
    var layout = primitive.layout(dnnl_query_dst_md)!
    let shape = plan.type(site.outputs[0]).shape
    let blocked = try MemoryDescriptor.image(
      shape, LOCKSTEP_CHANNELS_BY_16, layout.storage ?? .float32)
    if layout.meansSameBytes(as: blocked) { layout = blocked }
    let result = plan.define(fused?.output ?? site.outputs[0], layout)
    plan.emit(primitive, arguments + [(DNNL_ARG_DST, result)])
  }

  /// The forward primitive, which also serves as the hint of the backward ones.
  func forward(
    _ plan: PlanBuilder, _ x: [Int], _ w: [Int], _ y: [Int], bias: Bool, winograd: Bool,
    fusing: Eltwise? = nil, result storage: StorageType? = nil
  ) throws -> Primitive {
    let prefersLast = !winograd && prefersChannelsLast(plan, w)
    let (source, weights, offset, result) = (
      try images(x, plan.factor, channelsLast: prefersLast),
      try MemoryDescriptor.any(weightShape(w), plan.factor),
      bias ? try MemoryDescriptor.plain([w[0]]) : nil,
      try images(y, storage ?? plan.factor, channelsLast: prefersLast)
    )
    var window = window.primitive
    return try Primitive("convolution", fusing: fusing) {
      lockstep_convolution_forward(
        &$0, $1, source.handle, weights.handle, offset?.handle, result.handle, &window,
        winograd ? 1 : 0, $2)
    }
  }

  /// Makes a primitive with Winograd's algorithm where it pays and there is one, else directly.
  func choosing(
    _ plan: PlanBuilder, _ x: [Int], _ w: [Int], _ make: (_ winograd: Bool) throws -> Primitive
  ) throws -> Primitive {
    if plan.options.convolutions == .automatic, plan.factor == .float32, usesWinograd(x, w),
      let primitive = try? make(true)
    {
      return primitive
    }
    return try make(false)
  }

  /// Whether Winograd's F(4×4, 3×3) is faster than the direct sum on an input and a weight of these
  /// shapes: 3×3, dense, whole vectors of channels, enough tiles of 4×4 and little of them wasted.
  ///
  /// Source: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
  func usesWinograd(_ x: [Int], _ w: [Int]) -> Bool {
    guard groups == 1, window.strides == [1, 1], window.dilations == [1, 1],
      window.kernel == [3, 3], (window.paddingLow + window.paddingHigh).allSatisfy({ $0 <= 1 }),
      w[0] % 16 == 0, w[1] % 16 == 0, w[0] * w[1] >= 512
    else { return false }
    let height = x[2] + window.paddingLow[0] + window.paddingHigh[0] - 2
    let width = x[3] + window.paddingLow[1] + window.paddingHigh[1] - 2
    let tiles = ((height + 3) / 4) * ((width + 3) / 4)
    let used = Double(height * width) / Double(16 * max(tiles, 1))
    return x[0] * tiles >= 32 && used >= 0.7
  }

  /// Whether the channels-last implementations are faster. With 16 channels that layout and the
  /// blocked one are the same bytes, so that neighbours see no difference.
  func prefersChannelsLast(_ plan: PlanBuilder, _ w: [Int]) -> Bool {
    plan.isa == .avx512 && plan.factor == .float32 && groups == 1 && w == [16, 16, 3, 3]
      && window.strides == [1, 1]
  }

  func images(
    _ shape: [Int], _ storage: StorageType, channelsLast: Bool
  ) throws -> MemoryDescriptor {
    channelsLast
      ? try .image(shape, LOCKSTEP_CHANNELS_LAST, storage) : try .any(shape, storage)
  }

  /// oneDNN's shape of a weight: groups are a dimension of their own.
  func weightShape(_ w: [Int]) -> [Int] {
    groups == 1 ? w : [groups, w[0] / groups] + w[1...]
  }

  /// The weight in the layout wanted. The shape with groups is a reshape of PyTorch's.
  func weights(
    _ w: Graph.ValueID, _ plan: PlanBuilder, _ descriptor: MemoryDescriptor
  ) throws -> Memory {
    try plan.memory(w, as: descriptor, shape: weightShape(plan.type(w).shape))
  }
}

extension ConvolutionInputGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (dy, w) = (site.inputs[0], site.inputs[1])
    let (shape, result) = (plan.type(w).shape, plan.type(dy).shape)
    if let winograd = Winograd(convolution, inputShape, result, plan) {
      return try winograd.lowerInputGradient(site, plan)
    }
    let (diffX, weights, diffY) = (
      try MemoryDescriptor.any(inputShape, plan.precision.storage(site.outputs[0])),
      try MemoryDescriptor.any(convolution.weightShape(shape), plan.factor),
      try MemoryDescriptor.any(result, plan.factor)
    )
    var window = convolution.window.primitive
    let primitive = try convolution.choosing(plan, inputShape, shape) { winograd in
      let forward = try convolution.forward(
        plan, inputShape, shape, result, bias: false, winograd: winograd)
      return try Primitive("convolution, gradient by data") {
        lockstep_convolution_backward_data(
          &$0, $1, diffX.handle, weights.handle, diffY.handle, &window, winograd ? 1 : 0,
          forward.descriptor, $2)
      }
    }
    let arguments: [(Int32, Memory)] = [
      (DNNL_ARG_DIFF_DST, try plan.memory(dy, as: primitive.layout(dnnl_query_diff_dst_md)!)),
      (
        DNNL_ARG_WEIGHTS,
        try convolution.weights(w, plan, primitive.layout(dnnl_query_weights_md)!)
      ),
    ]
    let dx = plan.define(site.outputs[0], primitive.layout(dnnl_query_diff_src_md)!)
    plan.emit(primitive, arguments + [(DNNL_ARG_DIFF_SRC, dx)])
  }
}

extension ConvolutionWeightGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, dy) = (site.inputs[0], site.inputs[1])
    let (source, result) = (plan.type(x).shape, plan.type(dy).shape)
    if let winograd = Winograd(convolution, source, result, plan) {
      return try winograd.lowerWeightGradient(site, plan, bias: bias)
    }
    let lies = try plan.memory(dy).descriptor
    if let few = FewChannels(convolution, weightShape, source, lies, plan) {
      return try lower(site, plan, with: few)
    }
    let (diffW, diffB) = (
      try MemoryDescriptor.any(convolution.weightShape(weightShape)),
      bias ? try MemoryDescriptor.plain([weightShape[0]]) : nil
    )
    var window = convolution.window.primitive
    let primitive = try convolution.choosing(plan, source, weightShape) { winograd in
      let forward = try convolution.forward(
        plan, source, weightShape, result, bias: bias, winograd: winograd)
      let channelsLast = !winograd && convolution.prefersChannelsLast(plan, weightShape)
      let sourceLayout = try convolution.images(
        source, plan.factor, channelsLast: channelsLast)
      let diffY = try convolution.images(result, plan.factor, channelsLast: channelsLast)
      return try Primitive("convolution, gradient by weights") {
        lockstep_convolution_backward_weights(
          &$0, $1, sourceLayout.handle, diffW.handle, diffB?.handle, diffY.handle, &window,
          winograd ? 1 : 0, forward.descriptor, $2)
      }
    }
    var arguments: [(Int32, Memory)] = [
      (DNNL_ARG_SRC, try plan.memory(x, as: primitive.layout(dnnl_query_src_md)!)),
      (DNNL_ARG_DIFF_DST, try plan.memory(dy, as: primitive.layout(dnnl_query_diff_dst_md)!)),
      (
        DNNL_ARG_DIFF_WEIGHTS,
        plan.define(site.outputs[0], primitive.layout(dnnl_query_diff_weights_md)!)
      ),
    ]
    if let diffB { arguments.append((DNNL_ARG_DIFF_BIAS, plan.define(site.outputs[1], diffB))) }
    plan.emit(primitive, arguments)
  }
}
