import LockstepCatalog
import LockstepEngine

/// eˣ − t x, the negative log-likelihood of counts t of a Poisson distribution whose log rate is x, but
/// for log t!, which does not depend on x; the mean being over all outputs: PyTorch's
/// `PoissonNLLLoss(log_input=True)`.
package struct Poisson: LossFunction {
  package var name: String { "poisson" }
  /// Makes the loss.
  package init() {}

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    guard prediction.requireTargets(target, of: name) else { return .failed(prediction.graph) }
    return .mean(prediction.exp() - prediction * target, weights: weights)
  }
}

extension Poisson {
  package static let entry = Entry<any LossFunction>(
    "poisson", "the negative log-likelihood of counts, from log rates"
  ) { _ in Poisson() }
}

extension LossFunction where Self == Provided {
  /// eˣ − t x, the negative log-likelihood of counts t of a Poisson distribution whose log rate is x, but
  /// for log t!, which does not depend on x; the mean being over all outputs: PyTorch's
  /// `PoissonNLLLoss(log_input=True)`.
  ///
  /// Predictions [N, …] are log rates, targets of the same shape are not negative.
  public static func poisson() -> some LossFunction { Poisson() }
}
