import LockstepCatalog
public import LockstepEngine

/// max(x, 0) − x·t + log(1 + e^−|x|), the cross-entropy of sigmoid(x) and t in its stable form.
///
/// Predictions are logits [N, …], targets of the same shape lie in 0...1; the mean is over all
/// outputs, PyTorch's `binary_cross_entropy_with_logits`. Metric: `accuracy`, the part of outputs
/// that are positive exactly where the target is above one half.
public struct BinaryCrossEntropy: LossFunction {
  public var name: String { "binaryCrossEntropy" }
  /// Makes the loss, PyTorch's `BCEWithLogitsLoss`.
  public init() {}

  public func targetType(for prediction: TensorType) -> TensorType { prediction }

  public func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let outputs = valuesPerExample(prediction.shape)
    return LossValue(
      sum: prediction.binaryCrossEntropy(targets: target, weights: weights),
      weightPerExample: outputs,
      metrics: [
        LossMetric(
          name: "accuracy", sum: prediction.correctCount(targets: target), countPerExample: outputs)
      ])
  }
}

extension BinaryCrossEntropy {
  package static let entry = Entry<any LossFunction>(
    "binaryCrossEntropy", "of the sigmoid with targets from 0 to 1, from logits"
  ) { _ in BinaryCrossEntropy() }
}
