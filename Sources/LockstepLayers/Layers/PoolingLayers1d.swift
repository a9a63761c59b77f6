import LockstepCatalog
import LockstepEngine

/// The maximum over a sliding window of [N, C, L].
public struct MaxPool1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The window's size.
  package let kernel: Int
  /// The window's step.
  package let stride: Int
  /// The positions added before and behind the input, at most half the kernel; they are never the maximum.
  package let padding: Padding

  /// Makes a layer like PyTorch's `MaxPool1d`; the stride is the kernel's size by default.
  public init(_ kernel: Int, stride: Int? = nil, padding: Padding = .valid) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 3, "expects an input [N, C, L], got \(input.shape)"),
      let window = padding.row(kernel: kernel, stride: stride, dilation: 1, scope)
    else { return input }
    return input.asRow { $0.maxPooled(window) }
  }
}

extension MaxPool1d {
  package static let entry = Entry<any Model>(
    "MaxPool1d", "the maximum over a sliding window of [N, C, L]", .pooling
  ) { values in
    MaxPool1d(values["kernel"], stride: values["stride"], padding: values["padding"])
  }
}

/// The mean over a sliding window of [N, C, L].
public struct AvgPool1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The window's size.
  package let kernel: Int
  /// The window's step.
  package let stride: Int
  /// The zeros before and behind the input, at most half the kernel.
  package let padding: Padding
  /// Whether padded zeros count in the divisor, as they do by default in PyTorch.
  package let countsPadding: Bool

  /// Makes a layer like PyTorch's `AvgPool1d`; the stride is the kernel's size by default.
  public init(
    _ kernel: Int, stride: Int? = nil, padding: Padding = .valid, countsPadding: Bool = true
  ) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
    self.countsPadding = countsPadding
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 3, "expects an input [N, C, L], got \(input.shape)"),
      let window = padding.row(kernel: kernel, stride: stride, dilation: 1, scope)
    else { return input }
    return input.asRow { $0.averagePooled(window, countsPadding: countsPadding) }
  }
}

extension AvgPool1d {
  package static let entry = Entry<any Model>(
    "AvgPool1d", "the mean over a sliding window of [N, C, L]", .pooling + [.countsPadding]
  ) { values in
    AvgPool1d(
      values["kernel"], stride: values["stride"], padding: values["padding"],
      countsPadding: values["countsPadding"])
  }
}

/// Means over as many windows of [N, C, L] as the result is to have values, of lengths as equal as can be:
/// [N, C, L] → [N, C, size].
///
/// Window i begins at ⌊i L / size⌋ and ends before ⌈(i + 1) L / size⌉, as PyTorch's. Windows overlap where
/// `size` does not divide L.
public struct AdaptiveAvgPool1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of windows.
  package let size: Int

  /// Makes a layer like PyTorch's `AdaptiveAvgPool1d`.
  ///
  /// - Parameter size: the number of windows, also more than the input has positions.
  public init(_ size: Int) { self.size = size }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 3, "expects an input [N, C, L], got \(input.shape)"),
      scope.require(size > 0, "expects a positive size, got \(size)")
    else { return input }
    return input.asRow { $0.adaptiveAveragePooled(to: [1, size]) }
  }
}

extension AdaptiveAvgPool1d {
  package static let entry = Entry<any Model>(
    "AdaptiveAvgPool1d", "means over `size` windows of [N, C, L], as equal as can be",
    [.required("size", .size, "the number of windows")]
  ) { values in AdaptiveAvgPool1d(values["size"]) }
}

/// The mean over each channel's whole row: [N, C, L] → [N, C, 1].
public struct GlobalAveragePool1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// Makes a layer like PyTorch's `AdaptiveAvgPool1d(1)`.
  public init() {}
  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(input.shape.count == 3, "expects an input [N, C, L], got \(input.shape)")
    else { return input }
    return input.asRow { $0.globallyAveragePooled() }
  }
}

extension GlobalAveragePool1d {
  package static let entry = Entry<any Model>(
    "GlobalAveragePool1d", "the mean over each channel's row"
  ) { _ in GlobalAveragePool1d() }
}

extension [Hyperparameter] {
  fileprivate static var pooling: Self {
    [
      .required("kernel", .size, "the window's size"),
      .optional("stride", .size, "the window's step, its size if absent"), .rowPadding,
    ]
  }
}
