import LockstepCatalog
import LockstepEngine
import LockstepOptimization

// Keys that several layers have.

extension Hyperparameter {
  static var constraint: Self {
    .optional(
      "constraint", .object { ConstraintCatalog.catalog.form },
      "what the weight is projected onto after every update")
  }
  static var parametrization: Self {
    .optional(
      "parametrization", .choice(Parametrization.self),
      "how the weight follows from the parameters that are updated; it is one itself if absent")
  }
  static var bias: Self { .with("bias", .boolean, true, "whether a bias is added") }
  static var weightInitializer: Self { .initializer("weightInitializer", "the weight") }
  static var biasInitializer: Self { .initializer("biasInitializer", "the bias") }
  static func initializer(_ key: String, _ drawn: String) -> Self {
    .optional(
      key, .object { InitializerCatalog.catalog.form },
      "draws \(drawn); PyTorch's default if absent")
  }
  static var inChannels: Self {
    .optional(
      "inChannels", .size, "the number of input channels; taken from the input if absent")
  }
  static var groups: Self {
    .with("groups", .size, 1, "parts of the channels that do not see each other")
  }
  static var trainable: Self {
    .with("trainable", .boolean, true, "whether the parameters are updated")
  }
  static var affine: Self {
    .with("affine", .boolean, true, "whether a learned scale and shift follow")
  }
  static func epsilon(_ value: Double, _ summary: String) -> Self {
    .with("epsilon", .smallNumber, .number(value), summary)
  }
}

extension [Hyperparameter] {
  /// What draws a weight and a bias.
  static var initializers: Self { [.weightInitializer, .biasInitializer] }

  /// Of layers with a weight and a bias.
  static var weightAndBias: Self {
    [.bias] + initializers + [.constraint, .parametrization, .trainable]
  }
}

extension HyperparameterKind {
  /// Numbers whose squares, sums and products are finite as Float32.
  static var anyNumber: Self { .number(NumberRange(from: -1e30, to: 1e30)) }
  /// Those above 0.
  static var smallNumber: Self { .number(NumberRange(from: 1e-30, to: 1e30)) }
  /// A probability below 1.
  static var dropoutRate: Self {
    .number(NumberRange(from: 0, to: Double(Float(1).nextDown)))
  }
}

extension Hyperparameters {
  /// What an object of ``InitializerCatalog`` draws with.
  func initializer(_ key: String) throws -> (any Initializer)? {
    try make(key, InitializerCatalog.catalog)
  }
  var weightConstraint: WeightConstraint? {
    get throws { try make("constraint", ConstraintCatalog.catalog) }
  }
}
