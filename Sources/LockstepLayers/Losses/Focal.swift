import LockstepCatalog
import LockstepEngine
import LockstepFiles

/// −αₜ (1 − pₜ)^γ log pₜ of sigmoid(x), pₜ being the probability of the target: cross-entropy that
/// hardly counts what is classified well. The mean is over all outputs; torchvision's
/// `sigmoid_focal_loss(reduction="mean")`.
package struct Focal: LossFunction {
  /// α, the weight of the targets that are 1; those that are 0 weigh 1 − α. Nil for one each.
  package let alpha: Float?
  /// γ, how much less counts what is classified well.
  package let gamma: Float
  package var name: String { "focal" }

  /// - Parameters:
  ///   - alpha: α, in 0...1, or nil.
  ///   - gamma: γ, not negative.
  package init(alpha: Float? = 0.25, gamma: Float = 2) {
    self.alpha = alpha
    self.gamma = gamma
  }

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let isValid = alpha.map { $0 >= 0 && $0 <= 1 } ?? true && gamma >= 0 && gamma.isFinite
    guard
      prediction.requireTargets(
        target, of: name, isValid,
        "alpha must be in 0...1 and gamma not negative, got \(alpha.map { "\($0)" } ?? "none") and "
          + "\(gamma)")
    else { return .failed(prediction.graph) }
    // pₜ = sigmoid(z): −log pₜ = softplus(−z), and −log(1 − pₜ) = softplus(z).
    let z = prediction * (target * 2 - 1)
    var losses = (-z).softplus() * (z.softplus() * -gamma).exp()
    if let alpha { losses = losses * (target * (2 * alpha - 1) + (1 - alpha)) }
    let mean = LossValue.mean(losses, weights: weights)
    return LossValue(
      sum: mean.sum, weightPerExample: mean.weightPerExample,
      metrics: [
        LossMetric(
          name: "accuracy", sum: prediction.correctCount(targets: target),
          countPerExample: mean.weightPerExample)
      ])
  }
}

extension Focal {
  package static let entry = Entry<any LossFunction>(
    "focal", "binary cross-entropy that hardly counts what is classified well, from logits",
    [
      .with(
        "alpha", .either(.fraction, .choice(["none"])), 0.25,
        "the weight of targets that are 1, those that are 0 have the rest; or none for one each"),
      .with("gamma", .number(NumberRange(from: 0, to: 1e30)), 2, "how much less it counts"),
    ]
  ) { values in
    let alpha: Weight = values["alpha"]
    return Focal(alpha: alpha.value, gamma: values["gamma"])
  }

  /// A weight, or the word none.
  private struct Weight: HyperparameterValue {
    let value: Float?

    init(hyperparameter value: JSONValue?) { self.value = Float(hyperparameter: value) }
  }
}

extension LossFunction where Self == Provided {
  /// −αₜ (1 − pₜ)^γ log pₜ of sigmoid(x), pₜ being the probability of the target: cross-entropy that
  /// hardly counts what is classified well. The mean is over all outputs; torchvision's
  /// `sigmoid_focal_loss(reduction="mean")`.
  ///
  /// Predictions are logits [N, …], targets of the same shape are 0 or 1. Metric: `accuracy`, as
  /// `BinaryCrossEntropy` has it.
  ///
  /// Source: T.-Y. Lin et al., "Focal loss for dense object detection", 2017.
  ///
  /// - Parameters:
  ///   - alpha: the weight of positive targets, and 1 − alpha of the others; nil for none.
  ///   - gamma: how fast easy examples lose their weight; 0 for the cross-entropy.
  public static func focal(alpha: Float? = 0.25, gamma: Float = 2) -> some LossFunction {
    Focal(alpha: alpha, gamma: gamma)
  }
}
