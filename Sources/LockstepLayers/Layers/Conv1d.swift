import LockstepCatalog
public import LockstepEngine

/// The 1-D convolution (cross-correlation) of [N, in, L] with learned filters.
///
/// Parameters: `weight` [out, in / groups, k], `bias` [out]. Without initialisers both are drawn as PyTorch draws
/// them, uniformly from ±1/√(in / groups · k). It is computed as a 2-D convolution of one row.
public struct Conv1d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of input channels; nil takes it from the input.
  package let inChannels: Int?
  /// The number of filters, and of output channels.
  package let outChannels: Int
  /// The filters' size.
  package let kernel: Int
  /// The filters' step.
  package let stride: Int
  /// The zeros before and behind the input: a number, `.valid` or `.same`.
  package let padding: Padding
  /// The distance of a filter's taps; 1 is dense.
  package let dilation: Int
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

  /// Makes a layer with the arguments of PyTorch's `Conv1d`; a nil `inChannels` is taken from the input.
  ///
  /// The output is [N, out, L′], L′ = ⌊(L + 2 · padding − dilation · (k − 1) − 1) / stride⌋ + 1. What does not fit
  /// fails the trace.
  public init(
    _ inChannels: Int?, _ outChannels: Int, kernel: Int, stride: Int = 1,
    padding: Padding = .valid, dilation: Int = 1, groups: Int = 1, bias: Bool = true,
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
    _ outChannels: Int, kernel: Int, stride: Int = 1, padding: Padding = .valid,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true,
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
        of: input, 3, inChannels, outChannels, groups: groups),
      scope.require(
        kernel > 0 && kernel <= 1 << 30, "the kernel must be positive, got \(kernel)"),
      let window = padding.row(kernel: kernel, stride: stride, dilation: dilation, scope)
    else { return input }
    let weight = scope.weight(
      [outChannels, channels / groups, kernel], weightInitializer, constraint: constraint,
      trainable: trainable, as: parametrization)
    let shift =
      bias
      ? scope.parameter(
        "bias", [outChannels],
        biasInitializer ?? UniformInitializer.bias(fanIn: channels / groups &* kernel),
        trainable: trainable) : nil
    guard !scope.graph.hasFailed else { return input }
    return input.asRow { row in
      row.convolved(
        weight.reshaped(to: [outChannels, channels / groups, 1, kernel]), shift, window: window,
        groups: groups)
    }
  }
}

extension Conv1d {
  package static let entry = Entry<any Model>(
    "Conv1d", "the 1-D convolution of [N, C, L]",
    [
      .required("outChannels", .size, "the number of filters"),
      .required("kernel", .size, "the filters' size"), .inChannels,
      .with("stride", .size, 1, "the filters' step"), .rowPadding,
      .with("dilation", .size, 1, "the distance of a filter's taps"), .groups,
    ] + .weightAndBias
  ) { values in
    Conv1d(
      values["inChannels"], values["outChannels"], kernel: values["kernel"],
      stride: values["stride"], padding: values["padding"], dilation: values["dilation"],
      groups: values["groups"], bias: values["bias"],
      weightInitializer: try values.initializer("weightInitializer"),
      biasInitializer: try values.initializer("biasInitializer"),
      constraint: try values.weightConstraint, parametrization: values["parametrization"],
      trainable: values["trainable"])
  }
}
