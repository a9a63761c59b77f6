/// What examples add to the divisor of their gradients.
package enum ExampleWeights {
  /// All the same.
  case each(Double)
  /// Each its part of a scalar, which is a sum over examples.
  case total(Tensor)
}

/// A limit of the norm of each example's gradient, before gradients are added up: gᵢ · min(1, C / ‖gᵢ‖).
///
/// gᵢ is the gradient of the example's own mean loss by all trainable parameters, and ‖gᵢ‖ its Euclidean norm.
/// What is added up is the weighted sum Σ wᵢ gᵢ as without a limit: w is what an example adds to the divisor.
package struct ExampleClip: Sendable, Equatable {
  /// C.
  package let norm: Double
  /// Whether gradients are made one by one even where their norms can be had more cheaply: the plain way, which
  /// tests compare with.
  package let isPlain: Bool

  package init(norm: Double, isPlain: Bool = false) {
    self.norm = norm
    self.isPlain = isPlain
  }

  /// What an example's gradient is multiplied by.
  ///
  /// A norm that is not finite gives a NaN: the step's check then finds the example.
  ///
  /// - Parameter norm: ‖gᵢ‖.
  package func coefficient(ofNorm norm: Double) -> Float {
    guard norm.isFinite else { return .nan }
    return norm > self.norm ? Float(self.norm / norm) : 1
  }
}
