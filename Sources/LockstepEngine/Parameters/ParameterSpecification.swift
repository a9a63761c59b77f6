/// What a parameter is, beside its values: declared by a layer, used by training.
package struct ParameterSpecification: Sendable {
  /// The dotted name, `encoder.0.weight`.
  package let name: String
  /// The dimensions in PyTorch's layout.
  package let shape: [Int]
  /// Draws the initial values.
  package let initializer: any Initializer
  /// The set that the values are projected onto after every update.
  package let constraint: WeightConstraint?
  /// A frozen parameter (false) gets no gradient and never moves.
  package let trainable: Bool
  /// The kind of layer that declared it, `Linear`, so that rules can address all kernels of a kind.
  package let layerKind: String
  /// The name that keys the draw of the initial values, with the run's seed. Parameters with one such name are
  /// drawn from the same random numbers.
  package let drawnAs: String

  /// Makes a specification with a dotted name and a shape in PyTorch's layout.
  ///
  /// - Parameter drawnAs: the name that keys the draw; its own if nil.
  package init(
    name: String, shape: [Int], initializer: any Initializer, constraint: WeightConstraint? = nil,
    trainable: Bool = true, layerKind: String = "", drawnAs: String? = nil
  ) {
    self.name = name
    self.shape = shape
    self.initializer = initializer
    self.constraint = constraint
    self.trainable = trainable
    self.layerKind = layerKind
    self.drawnAs = drawnAs ?? name
  }
}

extension ParameterSpecification {
  /// The same parameter, frozen.
  var frozen: ParameterSpecification {
    ParameterSpecification(
      name: name, shape: shape, initializer: initializer, constraint: constraint,
      trainable: false, layerKind: layerKind, drawnAs: drawnAs)
  }
}

/// A buffer that training updates without a gradient, batch normalisation's running mean say.
package struct StatisticSpecification: Sendable {
  /// The dotted name, `features.1.running_mean`.
  package let name: String
  /// The dimensions.
  package let shape: [Int]
  /// The values that the elements start from: one for all, or one each.
  package let initialValues: [Float]
  /// The weight of the new observation: running ← (1 − momentum) · running + momentum · observed.
  package let momentum: Float
  /// Draws the values that the elements start from in the place of ``initialValues``, from the random numbers of
  /// the name that it is drawn as; nil where they are given.
  package let draw: (initializer: any Initializer, drawnAs: String)?

  /// Makes a specification with a dotted name, a shape, and the weight of new observations.
  package init(name: String, shape: [Int], initialValue: Float, momentum: Float) {
    self.init(name: name, shape: shape, initialValues: [initialValue], momentum: momentum)
  }

  /// Makes a specification whose elements start from values of their own.
  package init(name: String, shape: [Int], initialValues: [Float], momentum: Float) {
    self.name = name
    self.shape = shape
    self.initialValues = initialValues
    self.momentum = momentum
    draw = nil
  }

  /// Makes a specification whose elements start from values that are drawn, with the random numbers of a parameter.
  ///
  /// - Parameter drawnAs: the name that keys the draw of that parameter.
  package init(
    name: String, shape: [Int], initializer: any Initializer, drawnAs: String, momentum: Float
  ) {
    self.name = name
    self.shape = shape
    initialValues = [0]
    self.momentum = momentum
    draw = (initializer, drawnAs)
  }
}

/// Draws a parameter's initial values.
public protocol Initializer: Sendable {
  /// What is wrong with the initializer's own numbers; nil where it can be used. A trace fails with it,
  /// naming the parameter.
  var problem: String? { get }

  /// Fills `values`, a row-major tensor of `shape`, from a generator that is keyed by the run's
  /// seed and the parameter's name.
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator)
}
