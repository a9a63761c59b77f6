import LockstepCatalog
public import LockstepEngine
import LockstepOptimization

/// y = x · wᵀ + b over the last axis: x […, in] → y […, out].
///
/// Parameters: `weight` [out, in], `bias` [out]. Without initialisers both are drawn as PyTorch draws
/// them, uniformly from ±1/√in.
public struct Linear: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The size of the input's last axis; nil takes it from the input.
  package let inFeatures: Int?
  /// The number of outputs, the size of the result's last axis.
  package let outFeatures: Int
  /// Whether a bias is added.
  package let bias: Bool
  /// Draws the weight.
  package let weightInitializer: any Initializer
  /// Draws the bias; nil draws it as PyTorch does.
  package let biasInitializer: (any Initializer)?
  /// The set that the weight is projected onto after every update.
  public let constraint: WeightConstraint?
  /// How the weight follows from the parameters that are updated; nil where it is one itself.
  package let parametrization: Parametrization?
  /// Whether weight and bias are updated; false is PyTorch's `requires_grad=False`.
  package let trainable: Bool

  /// Makes a layer like PyTorch's `Linear`; a nil `inFeatures` is taken from the input, as in `LazyLinear`.
  public init(
    _ inFeatures: Int?, _ outFeatures: Int, bias: Bool = true,
    weightInitializer: (any Initializer)? = nil, biasInitializer: (any Initializer)? = nil,
    constraint: WeightConstraint? = nil, parametrization: Parametrization? = nil,
    trainable: Bool = true
  ) {
    self.inFeatures = inFeatures
    self.outFeatures = outFeatures
    self.bias = bias
    self.weightInitializer = weightInitializer ?? VarianceScaling.pyTorchDefault
    self.biasInitializer = biasInitializer
    self.constraint = constraint
    self.parametrization = parametrization
    self.trainable = trainable
  }

  /// A layer that takes its number of inputs from its input.
  public init(
    _ outFeatures: Int, bias: Bool = true, weightInitializer: (any Initializer)? = nil,
    biasInitializer: (any Initializer)? = nil, constraint: WeightConstraint? = nil,
    parametrization: Parametrization? = nil, trainable: Bool = true
  ) {
    self.init(
      nil, outFeatures, bias: bias, weightInitializer: weightInitializer,
      biasInitializer: biasInitializer, constraint: constraint, parametrization: parametrization,
      trainable: trainable)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard let features = input.shape.last, input.shape.count >= 2 else {
      scope.graph.fail("expects an input [N, …, in], got \(input.shape)")
      return input
    }
    guard
      scope.require(outFeatures > 0, "outFeatures must be positive, got \(outFeatures)"),
      scope.require(
        features == inFeatures ?? features,
        "expects \(inFeatures ?? 0) features, the input \(input.shape) has \(features)")
    else { return input }
    let weight = scope.weight(
      [outFeatures, features], weightInitializer, constraint: constraint, trainable: trainable,
      as: parametrization)
    guard bias else { return input.linear(weight) }
    let shift = scope.parameter(
      "bias", [outFeatures], biasInitializer ?? UniformInitializer.bias(fanIn: features),
      trainable: trainable)
    return input.linear(weight, shift)
  }
}

extension Linear {
  package static let entry = Entry<any Model>(
    "Linear", "y = x · wᵀ + b over the last axis",
    [
      .required("outFeatures", .size, "the number of outputs"),
      .optional("inFeatures", .size, "the number of inputs; taken from the input if absent"),
    ] + .weightAndBias
  ) { values in
    Linear(
      values["inFeatures"], values["outFeatures"], bias: values["bias"],
      weightInitializer: try values.initializer("weightInitializer"),
      biasInitializer: try values.initializer("biasInitializer"),
      constraint: try values.weightConstraint, parametrization: values["parametrization"],
      trainable: values["trainable"])
  }
}
