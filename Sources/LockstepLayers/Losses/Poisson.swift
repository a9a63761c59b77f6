import LockstepCatalog
public import LockstepEngine

/// eˣ − t x, the negative log-likelihood of counts t of a Poisson distribution whose log rate is x, but
/// for log t!, which does not depend on x; the mean being over all outputs: PyTorch's
/// `PoissonNLLLoss(log_input=True)`.
///
/// Predictions [N, …] are log rates, targets of the same shape are not negative.
public struct Poisson: LossFunction {
  public var name: String { "poisson" }
  /// Makes the loss.
  public init() {}

  public func targetType(for prediction: TensorType) -> TensorType { prediction }

  public func callAsFunction(
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
