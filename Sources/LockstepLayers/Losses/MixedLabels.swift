import LockstepEngine

/// The loss of examples that are mixed of two: λ · loss(x, t) + (1 − λ) · loss(x, t′), with the label t of
/// the example and the label t′ of the one that was mixed in.
///
/// For a loss that is linear in a label's distribution, as cross-entropies are, it is the loss of the mixed
/// label λ t + (1 − λ) t′. Of others it has the same gradient where they are quadratic, as the mean squared
/// error is. Evaluations mix nothing, and have the plain loss. Metrics count an example's own label.
package struct MixedLabels: LossFunction {
  /// The name of the labels t′ among a batch's tensors.
  package static let labelInput = "mixed.label"
  /// The name of the shares λ among a batch's tensors.
  package static let shareInput = "mixed.share"

  /// The loss of a label.
  package let loss: any LossFunction
  package var name: String { loss.name }

  package init(_ loss: any LossFunction) { self.loss = loss }

  package func targetType(for prediction: TensorType) -> TensorType {
    loss.targetType(for: prediction)
  }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let graph = prediction.graph
    guard graph.training, !graph.hasFailed else {
      return loss(prediction, target, weights: weights)
    }
    let other = graph.input(Self.labelInput, target.shape, target.type.scalar)
    let share = graph.input(Self.shareInput, [prediction.shape[0]])
    let rest = share * -1 + 1
    let own = loss(prediction, target, weights: weights.map { $0 * share } ?? share)
    let mixed = loss(prediction, other, weights: weights.map { $0 * rest } ?? rest)
    var weight: Tensor?
    if let first = own.weight, let second = mixed.weight { weight = first + second }
    return LossValue(
      sum: own.sum + mixed.sum, weightPerExample: own.weightPerExample, weight: weight,
      metrics: own.metrics)
  }
}
