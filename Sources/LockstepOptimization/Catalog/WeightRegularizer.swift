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

/// Penalties by name, as Keras names them.
public enum RegularizerCatalog {
  /// All penalties, in the order of documentation.
  public static let entries = [
    CatalogEntry(
      "l1", "l1 times the sum of magnitudes", [Hyperparameter("l1", 0.01, .nonNegative)]),
    CatalogEntry("l2", "l2 times the sum of squares", [Hyperparameter("l2", 0.01, .nonNegative)]),
    CatalogEntry(
      "l1l2", "both",
      [Hyperparameter("l1", 0, .nonNegative), Hyperparameter("l2", 0, .nonNegative)]),
  ]

  /// Makes a penalty.
  ///
  /// - Throws: ``HyperparameterError``.
  public static func make(
    _ name: String, values: [String: HyperparameterValue] = [:]
  ) throws -> WeightRegularizer {
    let v = try entries.entry(name, kind: "regularizer").resolve(values)
    let made: WeightRegularizer =
      switch name {
      case "l1": .init(l1: v.number("l1"))
      case "l2": .init(l2: v.number("l2"))
      default: .init(l1: v.number("l1"), l2: v.number("l2"))
      }
    try made.validate(owner: name)
    return made
  }
}
