import LockstepCatalog
import LockstepEngine

/// How a layer's weight follows from the parameters that training moves.
///
/// A unit is what makes one output: a row of a linear map, a filter of a convolution. The weight is computed from
/// the parameters in each pass, and gradients flow through that.
public enum Parametrization: String, Sendable, CaseIterable {
  /// W = g · v / ‖v‖, unit by unit: a unit's length and its direction are parameters of their own.
  ///
  /// Parameters: `parametrizations.weight.original0` (g) [out, 1, …] and `parametrizations.weight.original1` (v), of
  /// the weight's shape. v is drawn as the weight would be, and g is ‖v‖ at first. PyTorch's
  /// `torch.nn.utils.parametrizations.weight_norm` with `dim=0`.
  ///
  /// Source: T. Salimans, D. P. Kingma, "Weight normalization", NeurIPS 2016.
  case weightNorm
  /// Ŵ = (W − μ) / √(σ² + 1e-5), μ and σ² (biased) of each unit's values.
  ///
  /// Parameter: `weight` (W). Ŵ has no length of its own, so a normalisation with a scale follows the layer.
  ///
  /// Source: S. Qiao et al., "Micro-batch training with batch-channel normalization and weight standardization",
  /// 2019.
  case weightStandardization
}

extension Parametrization: HyperparameterValue {}

extension LayerScope {
  /// A layer's weight: a parameter, or what a parametrisation makes of its own parameters.
  ///
  /// - Parameters:
  ///   - shape: that of the weight, whose first axis is that of units.
  ///   - initializer: draws the weight, or what gives its directions.
  ///   - constraint: what the parameter is projected onto; it is refused beside a parametrisation.
  func weight(
    _ shape: [Int], _ initializer: any Initializer, constraint: WeightConstraint?, trainable: Bool,
    as parametrization: Parametrization?
  ) -> Tensor {
    guard let parametrization else {
      return parameter(
        "weight", shape, initializer, constraint: constraint, trainable: trainable)
    }
    guard
      require(
        constraint == nil,
        "the weight is computed by '\(parametrization.rawValue)', and a constraint would hold for the parameters "
          + "that it is computed from: leave out the constraint or the parametrization")
    else { return graph.constant(0, shape.map { _ in 1 }) }
    return switch parametrization {
    case .weightNorm: normalizedWeight(shape, initializer, trainable: trainable)
    case .weightStandardization: standardizedWeight(shape, initializer, trainable: trainable)
    }
  }

  /// g · v / ‖v‖.
  private func normalizedWeight(
    _ shape: [Int], _ initializer: any Initializer, trainable: Bool
  ) -> Tensor {
    // A draw of the same random numbers: the first weight is the one that the layer would have without this.
    func part(_ name: String, _ shape: [Int], _ initializer: any Initializer) -> Tensor {
      graph.parameter(
        ParameterSpecification(
          name: dotted("parametrizations.weight.\(name)"), shape: shape, initializer: initializer,
          trainable: trainable, layerKind: kind, drawnAs: dotted("weight")))
    }
    let lengths = part(
      "original0", [shape[0]] + shape.dropFirst().map { _ in 1 },
      UnitLengths(of: initializer, shape))
    let directions = part("original1", shape, initializer)
    guard !graph.hasFailed else { return directions }
    let rows = directions.reshaped(to: [shape[0], -1])
    let columns = rows.shape[1]
    // x / √⟨x²⟩ has the length √columns.
    let unit = rows.rmsNormalized(
      graph.constant(1 / Float(columns).squareRoot(), [columns]), epsilon: 0)
    return (unit * lengths.reshaped(to: [shape[0], 1])).reshaped(to: shape)
  }

  /// (W − μ) / √(σ² + ε).
  private func standardizedWeight(
    _ shape: [Int], _ initializer: any Initializer, trainable: Bool
  ) -> Tensor {
    let weight = parameter("weight", shape, initializer, trainable: trainable)
    guard !graph.hasFailed else { return weight }
    let rows = weight.reshaped(to: [shape[0], -1])
    let columns = rows.shape[1]
    guard
      require(
        columns > 1,
        "units of the weight \(shape) have one value each, of which 'weightStandardization' would make 0"
      )
    else { return weight }
    return rows.layerNormalized(
      graph.constant(1, [columns]), graph.constant(0, [columns]), epsilon: 1e-5
    ).reshaped(to: shape)
  }
}
