/// The maximum or the mean over a sliding window of [N, C, H, W].
package struct Pooling: Operation {
  package enum Kind: Sendable, Equatable {
    case maximum
    /// The divisor counts padded positions (PyTorch's count_include_pad) or not.
    case average(countsPadding: Bool)
  }

  package let kind: Kind
  package let window: Window
  package var name: String { kind == .maximum ? "max pooling" : "average pooling" }
  package var precisionRole: PrecisionRole { .elementwise }
  /// Max pooling also gives where each maximum came from, in a form of its implementation's own.
  package var outputCount: Int { kind == .maximum ? 2 : 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let x = inputs[0].shape
    let size = try window.outputSize(x)
    try expect(window.dilations == [1, 1], "dilated pooling is not supported")
    for axis in 0..<2 {
      try expect(
        window.paddingLow[axis] * 2 <= window.kernel[axis],
        "padding \(window.paddingLow[axis]) is more than half the kernel \(window.kernel[axis])")
    }
    let result = TensorType([x[0], x[1]] + size)
    return kind == .maximum ? [result, TensorType(result.shape, .int32)] : [result]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    let operation = PoolingGradient(pooling: self, inputShape: call.inputs[0].shape)
    return dy.graph.apply(operation, [dy, kind == .maximum ? call.outputs[1] : call.inputs[0]])
  }
}

/// The gradient of a pooling by its input, from dy and the places of the maxima; an average
/// pooling's gets its input instead, of which it needs nothing but the memory layout.
package struct PoolingGradient: Operation {
  package let pooling: Pooling
  package let inputShape: [Int]
  package var name: String { "gradient of \(pooling.name)" }
  package var precisionRole: PrecisionRole { .elementwise }
  /// The places of the maxima.
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(inputShape)]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  /// The maximum over a sliding window of [N, C, H, W].
  public func maxPooled(_ window: Window) -> Tensor {
    graph.apply(Pooling(kind: .maximum, window: window), [self])[0]
  }
  /// The mean over a sliding window of [N, C, H, W].
  public func averagePooled(_ window: Window, countsPadding: Bool = true) -> Tensor {
    apply(Pooling(kind: .average(countsPadding: countsPadding), window: window))
  }
  /// The mean over each channel's whole plane: [N, C, H, W] → [N, C, 1, 1].
  public func globallyAveragePooled() -> Tensor {
    guard shape.count == 4 else {
      graph.fail("global average pooling: expects an input [N, C, H, W], got \(shape)")
      return self
    }
    return averagePooled(Window(kernel: [shape[2], shape[3]]))
  }
}

extension Pooling {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard let dx = tangents[0] else { return call.outputs.map { _ in nil } }
    guard kind == .maximum else { return [dx.apply(self)] }
    return [dx.apply(MaximumTangent(window: window), call.inputs[0]), nil]
  }
}
