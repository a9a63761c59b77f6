import LockstepCatalog
import LockstepEngine

/// Σ t (log t − log softmax(x)) over the last axis: how far predicted distributions are from given
/// ones. PyTorch's `kl_div(log_softmax(x), t, reduction="batchmean")`, but that it is a mean over all
/// distributions where an example has several.
package struct KLDivergence: LossFunction {
  package var name: String { "klDivergence" }
  /// Makes the loss.
  package init() {}

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let shape = prediction.shape
    guard
      prediction.requireTargets(
        target, of: name, shape.count >= 2, "expects logits [N, …, C], got \(shape)")
    else { return .failed(prediction.graph) }
    let rows = [-1, shape[shape.count - 1]]
    // The logarithms of probabilities are logits of theirs.
    let logits = ((target - Self.least).relu() + Self.least).log()
    return LossValue(
      sum: prediction.reshaped(to: rows).distillation(
        teacher: logits.reshaped(to: rows), temperature: 1,
        weights: weights?.perPosition(shape)),
      weightPerExample: Float(shape[1..<shape.count - 1].reduce(1, *)))
  }

  private static let least: Float = 1e-30
}

extension KLDivergence {
  package static let entry = Entry<any LossFunction>(
    "klDivergence", "from given distributions to the softmax, from logits"
  ) { _ in KLDivergence() }
}

extension LossFunction where Self == Provided {
  /// Σ t (log t − log softmax(x)) over the last axis: how far predicted distributions are from given
  /// ones. PyTorch's `kl_div(log_softmax(x), t, reduction="batchmean")`, but that it is a mean over all
  /// distributions where an example has several.
  ///
  /// Predictions are logits [N, …, C]; targets of the same shape are probabilities that sum to 1 over the
  /// last axis. A probability of 0 counts as 1e-30.
  public static func klDivergence() -> some LossFunction { KLDivergence() }
}
