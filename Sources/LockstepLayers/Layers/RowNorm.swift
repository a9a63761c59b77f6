import LockstepCatalog
import LockstepEngine

/// Normalisation of each example's last axes by their own mean and variance.
///
/// y = (x − μ) / √(σ² + ε) · weight + bias, μ and σ² (biased) over the last axes. The same in training and
/// in inference, for any number of examples. Parameters: `weight` and `bias`, of the last axes' shape.
///
/// Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", 2016.
public struct LayerNorm: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The sizes of the axes that are normalised together; nil takes the input's last one.
  package let shape: [Int]?
  /// Added to the variance.
  package let epsilon: Float
  /// Whether a learned scale (`weight`) follows, and a shift (`bias`) where there is one.
  package let affine: Bool
  /// Whether a learned shift (`bias`) is added behind the scale.
  package let bias: Bool

  /// Makes a layer like PyTorch's `LayerNorm(normalized_shape, eps, elementwise_affine, bias)`.
  public init(
    _ shape: [Int]? = nil, epsilon: Float = 1e-5, affine: Bool = true, bias: Bool = true
  ) {
    self.shape = shape
    self.epsilon = epsilon
    self.affine = affine
    self.bias = bias
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard let axes = scope.normalizedAxes(shape, of: input) else { return input }
    let one = scope.graph.constant(1, axes)
    let zero = scope.graph.constant(0, axes)
    let scale = affine ? scope.parameter("weight", axes, ConstantInitializer(1)) : one
    let shift = affine && bias ? scope.parameter("bias", axes, ConstantInitializer(0)) : zero
    return input.layerNormalized(scale, shift, epsilon: epsilon)
  }
}

extension LayerNorm {
  package static let entry = Entry<any Model>(
    "LayerNorm", "the last axes by their own mean and variance",
    [
      .normalizedShape, .epsilon(1e-5, "added to the variance"), .affine,
      .with("bias", .boolean, true, "whether there is a shift"),
    ]
  ) { values in
    LayerNorm(
      values["shape"], epsilon: values["epsilon"], affine: values["affine"], bias: values["bias"])
  }
}

/// Normalisation of each example's last axes by the root of their mean square.
///
/// y = x / √(⟨x²⟩ + ε) · weight, the mean being over the last axes. Parameter: `weight`, of their shape.
///
/// Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.
public struct RMSNorm: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The sizes of the axes that are normalised together; nil takes the input's last one.
  package let shape: [Int]?
  /// Added to the mean square. The default is Float32's spacing at 1, as in PyTorch.
  package let epsilon: Float
  /// Whether a learned scale (`weight`) follows.
  package let affine: Bool

  /// Makes a layer like PyTorch's `RMSNorm(normalized_shape, eps, elementwise_affine)`.
  public init(_ shape: [Int]? = nil, epsilon: Float = 0x1p-23, affine: Bool = true) {
    self.shape = shape
    self.epsilon = epsilon
    self.affine = affine
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard let axes = scope.normalizedAxes(shape, of: input) else { return input }
    let one = scope.graph.constant(1, axes)
    let scale = affine ? scope.parameter("weight", axes, ConstantInitializer(1)) : one
    return input.rmsNormalized(scale, epsilon: epsilon)
  }
}

extension RMSNorm {
  package static let entry = Entry<any Model>(
    "RMSNorm", "the last axes by the root of their mean square",
    [.normalizedShape, .epsilon(0x1p-23, "added to the mean square"), .affine]
  ) { values in
    RMSNorm(values["shape"], epsilon: values["epsilon"], affine: values["affine"])
  }
}

/// Normalisation of groups of channels of [N, C, …], each by its own mean and variance.
///
/// y = (x − μ) / √(σ² + ε) · weight + bias, μ and σ² (biased) over a group's channels and all places of an
/// example. Parameters: `weight` [C], `bias` [C].
///
/// Source: Y. Wu, K. He, "Group normalization", ECCV 2018.
public struct GroupNorm: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of groups, which divides the number of channels.
  package let groups: Int
  /// Added to the variance.
  package let epsilon: Float
  /// Whether a learned scale (`weight`) and shift (`bias`) a channel follow.
  package let affine: Bool

  /// Makes a layer like PyTorch's `GroupNorm(num_groups, num_channels, eps, affine)`.
  public init(_ groups: Int, epsilon: Float = 1e-5, affine: Bool = true) {
    self.groups = groups
    self.epsilon = epsilon
    self.affine = affine
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    let shape = input.shape
    guard
      scope.require(shape.count >= 2, "expects an input [N, C, …], got \(shape)"),
      scope.require(
        groups > 0 && shape[1] % groups == 0,
        "\(groups) groups do not divide \(shape[1]) channels")
    else { return input }
    let columns = TensorType(Array(shape[1...])).count / groups
    let normal = input.reshaped(to: [-1, columns]).layerNormalized(
      scope.graph.constant(1, [columns]), scope.graph.constant(0, [columns]), epsilon: epsilon
    ).reshaped(to: shape)
    guard affine else { return normal }
    let spread = [shape[1]] + shape.dropFirst(2).map { _ in 1 }
    return normal
      * scope.parameter("weight", [shape[1]], ConstantInitializer(1)).reshaped(to: spread)
      + scope.parameter("bias", [shape[1]], ConstantInitializer(0)).reshaped(to: spread)
  }
}

extension GroupNorm {
  package static let entry = Entry<any Model>(
    "GroupNorm", "groups of channels of [N, C, …] by their own mean and variance",
    [
      .required("groups", .size, "their number, which divides C"),
      .epsilon(1e-5, "added to the variance"), .affine,
    ]
  ) { values in
    GroupNorm(values["groups"], epsilon: values["epsilon"], affine: values["affine"])
  }
}

extension LayerScope {
  /// The sizes of the last axes that a layer normalises; nil, with the trace failed, where the input has
  /// others.
  fileprivate func normalizedAxes(_ axes: [Int]?, of input: Tensor) -> [Int]? {
    let axes = axes ?? input.shape.suffix(1)
    guard
      require(
        !axes.isEmpty && axes.count < input.shape.count
          && Array(input.shape.suffix(axes.count)) == axes,
        "normalises the last axes \(axes), the input is \(input.shape)")
    else { return nil }
    return axes
  }
}

extension Hyperparameter {
  fileprivate static var normalizedShape: Self {
    .optional(
      "shape", .integers(1...Int(Int32.max), count: 1...Int.max),
      "the sizes of the last axes that are normalised together; the last one's if absent")
  }
}
