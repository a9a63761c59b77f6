import LockstepCatalog
public import LockstepEngine
import LockstepOptimization

/// The 2-D convolution (cross-correlation) of [N, in, H, W] with learned filters.
///
/// Parameters: `weight` [out, in / groups, kH, kW], `bias` [out]. Without initialisers both are drawn
/// as PyTorch draws them, uniformly from ±1/√(in / groups · kH · kW).
public struct Conv2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of input channels; nil takes it from the input.
  package let inChannels: Int?
  /// The number of filters, and of output channels.
  package let outChannels: Int
  /// The filters' size, [kH, kW].
  package let kernel: SpatialPair
  /// The filters' step.
  package let stride: SpatialPair
  /// The zeros around the input.
  package let padding: Padding
  /// The distance of a filter's taps; 1 is dense.
  package let dilation: SpatialPair
  /// Input and output channels are cut into this many parts that do not see each other.
  package let groups: Int
  /// Whether a bias is added.
  package let bias: Bool
  /// Draws the weight.
  package let weightInitializer: any Initializer
  /// Draws the bias; nil draws it as PyTorch does.
  package let biasInitializer: (any Initializer)?
  /// The set that the weight is projected onto after every update.
  package let constraint: WeightConstraint?
  /// How the weight follows from the parameters that are updated; nil where it is one itself.
  package let parametrization: Parametrization?
  /// Whether weight and bias are updated; false is PyTorch's `requires_grad=False`.
  package let trainable: Bool

  /// Makes a layer with the arguments of PyTorch's `Conv2d`; a nil `inChannels` is taken from the input.
  ///
  /// The output is [N, out, H′, W′], H′ = ⌊(H + 2 · padding − dilation · (kH − 1) − 1) / stride⌋ + 1, W′
  /// alike. What does not fit fails the trace.
  public init(
    _ inChannels: Int?, _ outChannels: Int, kernel: SpatialPair, stride: SpatialPair = 1,
    padding: Padding = .valid, dilation: SpatialPair = 1, groups: Int = 1, bias: Bool = true,
    weightInitializer: (any Initializer)? = nil, biasInitializer: (any Initializer)? = nil,
    constraint: WeightConstraint? = nil, parametrization: Parametrization? = nil,
    trainable: Bool = true
  ) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.weightInitializer = weightInitializer ?? VarianceScaling.pyTorchDefault
    self.biasInitializer = biasInitializer
    self.constraint = constraint
    self.parametrization = parametrization
    self.trainable = trainable
  }

  /// A layer that takes its number of input channels from its input.
  public init(
    _ outChannels: Int, kernel: SpatialPair, stride: SpatialPair = 1, padding: Padding = .valid,
    dilation: SpatialPair = 1, groups: Int = 1, bias: Bool = true,
    weightInitializer: (any Initializer)? = nil, biasInitializer: (any Initializer)? = nil,
    constraint: WeightConstraint? = nil, parametrization: Parametrization? = nil,
    trainable: Bool = true
  ) {
    self.init(
      nil, outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      groups: groups, bias: bias, weightInitializer: weightInitializer,
      biasInitializer: biasInitializer, constraint: constraint, parametrization: parametrization,
      trainable: trainable)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      let channels = scope.channels(
        of: input, 4, inChannels, outChannels, groups: groups),
      let window = padding.window(kernel: kernel, stride: stride, dilation: dilation, scope),
      scope.require(
        kernel.rows > 0 && kernel.columns > 0, "the kernel must be positive, got \(kernel.list)")
    else { return input }
    let weight = scope.weight(
      [outChannels, channels / groups] + kernel.list, weightInitializer, constraint: constraint,
      trainable: trainable, as: parametrization)
    guard !input.graph.hasFailed else { return input }
    guard bias else { return input.convolved(weight, window: window, groups: groups) }
    // Where this overflows the weight's shape has failed the trace.
    let fanIn = channels / groups &* kernel.rows &* kernel.columns
    let shift = scope.parameter(
      "bias", [outChannels], biasInitializer ?? UniformInitializer.bias(fanIn: fanIn),
      trainable: trainable)
    return input.convolved(weight, shift, window: window, groups: groups)
  }
}

extension Conv2d {
  package static let entry = Entry<any Model>(
    "Conv2d", "the 2-D convolution of [N, C, H, W]",
    [
      .required("outChannels", .size, "the number of filters"),
      .required("kernel", .spatialSize, "the filters' size"),
      .inChannels,
      .with("stride", .spatialSize, 1, "the filters' step"), .padding,
      .with("dilation", .spatialSize, 1, "the distance of a filter's taps"),
      .groups,
    ] + .weightAndBias
  ) { values in
    Conv2d(
      values["inChannels"], values["outChannels"], kernel: values["kernel"],
      stride: values["stride"], padding: values["padding"], dilation: values["dilation"],
      groups: values["groups"], bias: values["bias"],
      weightInitializer: try values.initializer("weightInitializer"),
      biasInitializer: try values.initializer("biasInitializer"),
      constraint: try values.weightConstraint, parametrization: values["parametrization"],
      trainable: values["trainable"])
  }
}
