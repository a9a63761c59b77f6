import LockstepCatalog
public import LockstepEngine

/// The transpose of a 2-D convolution of [N, in, H, W], which makes images larger.
///
/// Parameters: `weight` [in, out / groups, kH, kW], `bias` [out]. Without initialisers both are drawn as PyTorch
/// draws them, uniformly from ±1/√(out / groups · kH · kW).
///
/// Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
public struct ConvTranspose2d: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The number of input channels; nil takes it from the input.
  package let inChannels: Int?
  /// The number of output channels.
  package let outChannels: Int
  /// The filters' size, [kH, kW].
  package let kernel: SpatialPair
  /// How far apart the filter's copies lie in the result.
  package let stride: SpatialPair
  /// The rows and columns that are cut off on each side of the result.
  package let padding: SpatialPair
  /// The rows and columns that are added behind the result, fewer than the stride.
  package let outputPadding: SpatialPair
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
  /// How the weight follows from the parameters that are updated; nil where it is one itself.
  package let parametrization: Parametrization?

  /// Makes a layer with the arguments of PyTorch's `ConvTranspose2d`; a nil `inChannels` is taken from the input.
  ///
  /// The output is [N, out, H′, W′], H′ = (H − 1) · stride − 2 · padding + dilation · (kH − 1) + outputPadding + 1,
  /// W′ alike. What does not fit fails the trace.
  public init(
    _ inChannels: Int?, _ outChannels: Int, kernel: SpatialPair, stride: SpatialPair = 1,
    padding: SpatialPair = 0, outputPadding: SpatialPair = 0, dilation: SpatialPair = 1,
    groups: Int = 1, bias: Bool = true, weightInitializer: (any Initializer)? = nil,
    biasInitializer: (any Initializer)? = nil, parametrization: Parametrization? = nil
  ) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.weightInitializer = weightInitializer ?? VarianceScaling.pyTorchDefault
    self.biasInitializer = biasInitializer
    self.parametrization = parametrization
  }

  /// A layer that takes its number of input channels from its input.
  public init(
    _ outChannels: Int, kernel: SpatialPair, stride: SpatialPair = 1, padding: SpatialPair = 0,
    outputPadding: SpatialPair = 0, dilation: SpatialPair = 1, groups: Int = 1, bias: Bool = true,
    weightInitializer: (any Initializer)? = nil, biasInitializer: (any Initializer)? = nil,
    parametrization: Parametrization? = nil
  ) {
    self.init(
      nil, outChannels, kernel: kernel, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups, bias: bias,
      weightInitializer: weightInitializer, biasInitializer: biasInitializer,
      parametrization: parametrization)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      let channels = scope.channels(
        of: input, 4, inChannels, outChannels, groups: groups),
      scope.require(
        kernel.rows > 0 && kernel.columns > 0, "the kernel must be positive, got \(kernel.list)"),
      let window = Padding.explicit(padding).window(
        kernel: kernel, stride: stride, dilation: dilation, scope),
      scope.require(
        parametrization != .weightStandardization || groups == 1,
        "'weightStandardization' of a transposed convolution asks for one group: what makes one of its outputs is "
          + "no part of the weight's second axis with \(groups) groups")
    else { return input }
    let weight = scope.weight(
      [channels, outChannels / groups] + kernel.list, weightInitializer, constraint: nil,
      trainable: true, as: parametrization, outputAxis: 1)
    guard !scope.graph.hasFailed else { return input }
    let result = input.transposedConvolved(
      weight, window: window, outputPadding: outputPadding.list, groups: groups)
    guard bias else { return result }
    // Where this overflows the weight's shape has failed the trace.
    let fanIn = outChannels / groups &* kernel.rows &* kernel.columns
    let shift = scope.parameter(
      "bias", [outChannels], biasInitializer ?? UniformInitializer.bias(fanIn: fanIn))
    guard !scope.graph.hasFailed else { return result }
    return result + shift.reshaped(to: [1, outChannels, 1, 1])
  }
}

extension ConvTranspose2d {
  package static let entry = Entry<any Model>(
    "ConvTranspose2d", "the transpose of a 2-D convolution, which makes [N, C, H, W] larger",
    [
      .required("outChannels", .size, "the number of output channels"),
      .required("kernel", .spatialSize, "the filters' size"), .inChannels,
      .with("stride", .spatialSize, 1, "how far apart the filter's copies lie"),
      .with("padding", .pair(0...Int(Int32.max)), 0, "what is cut off on each side of the result"),
      .with("outputPadding", .pair(0...Int(Int32.max)), 0, "what is added behind the result"),
      .with("dilation", .spatialSize, 1, "the distance of a filter's taps"), .groups, .bias,
    ] + .initializers + [.parametrization]
  ) { values in
    ConvTranspose2d(
      values["inChannels"], values["outChannels"], kernel: values["kernel"],
      stride: values["stride"], padding: values["padding"],
      outputPadding: values["outputPadding"], dilation: values["dilation"],
      groups: values["groups"], bias: values["bias"],
      weightInitializer: try values.initializer("weightInitializer"),
      biasInitializer: try values.initializer("biasInitializer"),
      parametrization: values["parametrization"])
  }
}
