import LockstepCatalog

/// A penalty on weights that is part of the loss: l1 Σ|w| + l2 Σw². (Keras's `L1L2`.)
///
/// Its derivative l1 sign(w) + 2 l2 w, 0 at w = 0 for l1, is added to the normalised gradient before
/// that is measured and clipped. PyTorch's `weight_decay` λ is l2 = λ/2 where nothing clips.
public struct WeightRegularizer: Sendable, Equatable {
  /// The factor of Σ|w|, at least 0.
  public let l1: Double
  /// The factor of Σw², at least 0.
  public let l2: Double

  /// Makes a penalty with these factors.
  public init(l1: Double = 0, l2: Double = 0) {
    self.l1 = l1
    self.l2 = l2
  }

  /// Throws a ``HyperparameterError`` where a number makes no sense.
  public func validate(owner: String = "regularizer") throws {
    try HyperparameterRange.nonNegative.check(owner, "l1", l1)
    try HyperparameterRange.nonNegative.check(owner, "l2", l2)
    // The kernels multiply in Float32.
    guard Float(l1).isFinite, Float(2 * l2).isFinite else {
      throw HyperparameterError(
        owner: owner, key: Float(l1).isFinite ? "l2" : "l1", value: "\(max(l1, l2))",
        problem: "is too large")
    }
  }
}

/// The penalties that a configuration can name, as Keras names them.
package enum RegularizerCatalog {
  /// The penalties, in the order of documentation.
  package static let catalog = Catalog<WeightRegularizer>(
    "regularizer",
    [
      Entry("l1", "l1 times the sum of magnitudes", [l1(0.01)]) { .init(l1: $0["l1"]) },
      Entry("l2", "l2 times the sum of squares", [l2(0.01)]) { .init(l2: $0["l2"]) },
      Entry("l1l2", "both", [l1(0), l2(0)]) { .init(l1: $0["l1"], l2: $0["l2"]) },
    ]
  ).checked { made, values in try made.validate(owner: values.name) }

  private static func l1(_ value: Double) -> Hyperparameter {
    .with("l1", .nonNegative, .number(value), "the factor of the magnitudes")
  }
  private static func l2(_ value: Double) -> Hyperparameter {
    .with("l2", .nonNegative, .number(value), "the factor of the squares")
  }
}
