import LockstepCatalog
import LockstepEngine

/// How a layer's weight follows from the parameters that training moves.
///
/// A unit is what makes one output: a row of a linear map, a filter of a convolution. The weight is computed from
/// the parameters in each pass, and gradients flow through that.
///
/// The weight of a ``ConvTranspose2d`` has outputs on its second axis: [in, out / groups, kH, kW]. There
/// ``spectralNorm`` takes that axis for rows, as PyTorch's `spectral_norm` does, ``weightNorm`` has a length for each
/// input channel, as PyTorch's `weight_norm` with its `dim=0`, and ``weightStandardization`` asks for one group.
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
  /// W / σ, σ = uᵀ W v an estimate of the largest singular value of W as a matrix, [out, everything else].
  ///
  /// In training each pass makes a round of power iteration, u ← Wv / ‖Wv‖, v ← Wᵀu / ‖Wᵀu‖; gradients take both for
  /// constants. Otherwise u and v are the last ones. Parameter: `parametrizations.weight.original` (W); running
  /// statistics `parametrizations.weight.0._u` [out] and `parametrizations.weight.0._v`, which begin with what 15
  /// rounds find. PyTorch's `torch.nn.utils.parametrizations.spectral_norm` with its defaults.
  ///
  /// A layer that is called more than once in a pass makes one round. The rounds go on where W is frozen.
  ///
  /// Source: T. Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.
  case spectralNorm
}

extension Parametrization: HyperparameterValue {}

extension LayerScope {
  /// A layer's weight: a parameter, or what a parametrisation makes of its own parameters.
  ///
  /// - Parameters:
  ///   - shape: that of the weight, whose first axis is that of units where nothing else is said.
  ///   - initializer: draws the weight, or what gives its directions.
  ///   - constraint: what the parameter is projected onto; it is refused beside a parametrisation.
  ///   - outputAxis: the axis of outputs, 0 or 1.
  func weight(
    _ shape: [Int], _ initializer: any Initializer, constraint: WeightConstraint?, trainable: Bool,
    as parametrization: Parametrization?, outputAxis: Int = 0
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
    case .weightStandardization:
      standardizedWeight(shape, initializer, trainable: trainable, outputAxis)
    case .spectralNorm:
      spectrallyNormalizedWeight(shape, initializer, trainable: trainable, outputAxis)
    }
  }

  /// A parameter of which the weight is computed.
  private func part(
    _ name: String, _ shape: [Int], _ initializer: any Initializer, trainable: Bool
  ) -> Tensor {
    // A draw of the same random numbers: the first weight is the one that the layer would have without this.
    graph.parameter(
      ParameterSpecification(
        name: dotted("parametrizations.weight.\(name)"), shape: shape, initializer: initializer,
        trainable: trainable, layerKind: kind, drawnAs: dotted("weight")))
  }

  /// What `change` makes of a weight as a matrix whose rows are of one of its first two axes, in the weight's shape.
  private func changed(
    _ weight: Tensor, rows axis: Int, _ change: (Tensor) -> Tensor
  ) -> Tensor {
    var order = Array(weight.shape.indices)
    order.swapAt(0, axis)
    let turned = weight.transposed(order)
    return change(turned.reshaped(to: [turned.shape[0], -1])).reshaped(to: turned.shape)
      .transposed(order)
  }

  /// g · v / ‖v‖.
  private func normalizedWeight(
    _ shape: [Int], _ initializer: any Initializer, trainable: Bool
  ) -> Tensor {
    let lengths = part(
      "original0", [shape[0]] + shape.dropFirst().map { _ in 1 },
      UnitLengths(of: initializer, shape), trainable: trainable)
    let directions = part("original1", shape, initializer, trainable: trainable)
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
    _ shape: [Int], _ initializer: any Initializer, trainable: Bool, _ outputAxis: Int
  ) -> Tensor {
    let weight = parameter("weight", shape, initializer, trainable: trainable)
    guard !graph.hasFailed else { return weight }
    let columns = weight.type.count / shape[outputAxis]
    guard
      require(
        columns > 1,
        "units of the weight \(shape) have one value each, of which 'weightStandardization' would make 0"
      )
    else { return weight }
    return changed(weight, rows: outputAxis) {
      $0.layerNormalized(
        graph.constant(1, [columns]), graph.constant(0, [columns]), epsilon: 1e-5)
    }
  }

  /// W / uᵀ W v.
  private func spectrallyNormalizedWeight(
    _ shape: [Int], _ initializer: any Initializer, trainable: Bool, _ outputAxis: Int
  ) -> Tensor {
    let weight = part("original", shape, initializer, trainable: trainable)
    guard !graph.hasFailed else { return weight }
    let (rows, columns) = (shape[outputAxis], weight.type.count / shape[outputAxis])
    func vector(_ side: LeadingVector.Side, _ name: String, _ count: Int) -> Tensor {
      graph.statistic(
        StatisticSpecification(
          name: dotted("parametrizations.weight.0.\(name)"), shape: [count],
          initializer: LeadingVector(
            base: initializer, weightShape: shape, rowAxis: outputAxis, side: side),
          drawnAs: dotted("weight"), momentum: 1))
    }
    let (left, right) = (vector(.left, "_u", rows), vector(.right, "_v", columns))
    guard !graph.hasFailed else { return weight }
    return changed(weight, rows: outputAxis) { matrix in
      var (u, v) = (left, right)
      if let known = graph.observed(left), let other = graph.observed(right) {
        (u, v) = (known, other)
      } else if training {
        (u, v) = matrix.singularVectors(from: right)
        graph.observe(left, u)
        graph.observe(right, v)
      }
      let sigma = ((matrix * v).sum([1]) * u).sum().reshaped(to: [1, 1])
      return matrix * (graph.constant(1, [1, 1]) / sigma)
    }
  }
}
