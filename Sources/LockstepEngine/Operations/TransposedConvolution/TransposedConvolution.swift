/// The transpose of a convolution: y is what the gradient by the input of a convolution is, with x in place of the
/// gradient by its result.
///
/// x [N, in, H, W], w [in, out / groups, kH, kW], y [N, out, H′, W′] with
/// H′ = (H − 1) · stride − padding before and behind + dilation · (kH − 1) + outputPadding + 1, W′ alike. A
/// convolution with the same window maps y's shape to that of x.
///
/// Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
package struct TransposedConvolution: Operation {
  /// From y to x.
  package let convolution: Convolution
  /// Rows and columns that are added behind y, which the convolution does not see.
  package let outputPadding: [Int]
  package var name: String { "transposed conv2d" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    try expect(x.count == 4, "expects an input [N, C, H, W], got \(x)")
    try expect(
      w.count == 4 && w[0] == x[1],
      "expects a weight [\(x.count > 1 ? x[1] : 0), out / groups, kH, kW], got \(w)")
    let size = try convolution.window.transposedSize(x, outputPadding: outputPadding)
    let channels = TensorType([w[1], max(convolution.groups, 1)]).count
    let shape = [x[0], channels] + size
    let back = try convolution.infer([TensorType(shape), inputs[1]])[0].shape
    try expect(back == x, "a convolution of its result \(shape) gives \(back), not \(x)")
    return [TensorType(shape)]
  }

  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    inputs[0].count * inputs[1].shape[1...].reduce(1, *)
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil] }
    let (x, w) = (call.inputs[0], call.inputs[1])
    return [
      call.needs[0] ? dy.apply(convolution, w) : nil,
      call.needs[1]
        ? dy.apply(
          ConvolutionWeightGradient(convolution: convolution, weightShape: w.shape, bias: false), x)
        : nil,
    ]
  }

  /// ẏ of x ⋆ᵀ w: ẋ ⋆ᵀ w + x ⋆ᵀ ẇ.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [
      sumOfTangents(
        tangents[0].map { $0.apply(self, call.inputs[1]) },
        tangents[1].map { call.inputs[0].apply(self, $0) })
    ]
  }

  /// The same thing as a part of a convolution's gradient.
  private func gradient(_ shape: [Int]) -> ConvolutionInputGradient {
    ConvolutionInputGradient(convolution: convolution, inputShape: shape)
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, w) = (inputs[0].shape, inputs[1].shape)
    // Not thrown for shapes that the inference has accepted.
    let size = (try? convolution.window.transposedSize(x, outputPadding: outputPadding)) ?? [0, 0]
    return gradient([x[0], w[1] * convolution.groups] + size).evaluate(inputs, context)
  }
}

extension Window {
  /// The spatial size of the result of a transposed convolution of [N, C, H, W].
  fileprivate func transposedSize(
    _ shape: [Int], outputPadding: [Int]
  ) throws(GraphError) -> [Int] {
    // Refuses what is no window: the paddings alone have room for no kernel here.
    let room = 1 << 31
    _ = try outputSize([1, 1, room, room])
    try expect(
      outputPadding.count == 2 && zip(outputPadding, strides).allSatisfy { $0 >= 0 && $0 < $1 },
      "the output padding must be from 0 to below the stride \(strides), got \(outputPadding)")
    var size: [Int] = []
    for axis in 0..<2 {
      let length = shape[2 + axis]
      try expect(length <= room, "an axis of more than \(room) positions, got \(length)")
      let reach = dilations[axis] * (kernel[axis] - 1) + 1
      let cut = paddingLow[axis] + paddingHigh[axis]
      let whole = (length - 1) * strides[axis] + reach + outputPadding[axis]
      try expect(
        whole > cut, "a padding of \(cut) leaves nothing of \(whole) positions of the result")
      size.append(whole - cut)
    }
    return size
  }
}

extension TransposedConvolution: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    try gradient(plan.type(site.outputs[0]).shape).lower(site, plan)
  }
}

extension Tensor {
  /// The transpose of a 2-D convolution, PyTorch's `conv_transpose2d`: [N, in, H, W] with a weight
  /// [in, out / groups, kH, kW].
  ///
  /// - Parameter outputPadding: rows and columns that are added behind the result, fewer than the stride.
  public func transposedConvolved(
    _ weight: Tensor, window: Window, outputPadding: [Int] = [0, 0], groups: Int = 1
  ) -> Tensor {
    apply(
      TransposedConvolution(
        convolution: Convolution(window: window, groups: groups), outputPadding: outputPadding),
      weight)
  }
}
