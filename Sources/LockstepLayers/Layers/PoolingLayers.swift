import LockstepCatalog
import LockstepEngine

/// The maximum over a sliding window of [N, C, H, W].
public struct MaxPool2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The window's size.
  package let kernel: SpatialPair
  /// The window's step.
  package let stride: SpatialPair
  /// The positions added around the input, at most half the kernel; they are never the maximum.
  package let padding: Padding

  /// - Parameter stride: the kernel's size by default.
  public init(_ kernel: SpatialPair, stride: SpatialPair? = nil, padding: Padding = .valid) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard let window = padding.window(kernel: kernel, stride: stride, dilation: 1, scope) else {
      return input
    }
    return input.maxPooled(window)
  }
}

extension MaxPool2d {
  package static let entry = Entry<any Model>(
    "MaxPool2d", "the maximum over a sliding window", .pooling
  ) { values in
    MaxPool2d(values["kernel"], stride: values["stride"], padding: values["padding"])
  }
}

/// The mean over a sliding window of [N, C, H, W].
public struct AvgPool2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The window's size.
  package let kernel: SpatialPair
  /// The window's step.
  package let stride: SpatialPair
  /// The zeros around the input, at most half the kernel.
  package let padding: Padding
  /// Whether padded zeros count in the divisor, as they do by default in PyTorch.
  package let countsPadding: Bool

  /// - Parameter stride: the kernel's size by default.
  public init(
    _ kernel: SpatialPair, stride: SpatialPair? = nil, padding: Padding = .valid,
    countsPadding: Bool = true
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.countsPadding = countsPadding
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard let window = padding.window(kernel: kernel, stride: stride, dilation: 1, scope) else {
      return input
    }
    return input.averagePooled(window, countsPadding: countsPadding)
  }
}

extension AvgPool2d {
  package static let entry = Entry<any Model>(
    "AvgPool2d", "the mean over a sliding window",
    .pooling + [.countsPadding]
  ) { values in
    AvgPool2d(
      values["kernel"], stride: values["stride"], padding: values["padding"],
      countsPadding: values["countsPadding"])
  }
}

/// The mean over each channel's whole plane: [N, C, H, W] → [N, C, 1, 1].
public struct GlobalAveragePool2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a layer like PyTorch's `AdaptiveAvgPool2d(1)`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    input.globallyAveragePooled()
  }
}

extension GlobalAveragePool2d {
  package static let entry = Entry<any Model>(
    "GlobalAveragePool2d", "the mean over each channel's plane"
  ) { _ in GlobalAveragePool2d() }
}

extension [Hyperparameter] {
  fileprivate static var pooling: Self {
    [
      .required("kernel", .spatialSize, "the window's size"),
      .optional("stride", .spatialSize, "the window's step, its size if absent"), .padding,
    ]
  }
}

extension Hyperparameter {
  static var countsPadding: Self {
    .with("countsPadding", .boolean, true, "whether padding enters the mean")
  }
}
