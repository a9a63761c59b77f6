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
  /// Of layers with a weight and a bias.
  static var weightAndBias: Self {
    [
      .with("bias", .boolean, true, "whether a bias is added"),
      .optional(
        "weightInitializer", .object { InitializerCatalog.catalog.form },
        "draws the weight; PyTorch's default if absent"),
      .optional(
        "biasInitializer", .object { InitializerCatalog.catalog.form },
        "draws the bias; PyTorch's default if absent"),
      .constraint, .trainable,
    ]
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
