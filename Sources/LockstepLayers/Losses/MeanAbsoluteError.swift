import LockstepCatalog
public import LockstepEngine

/// |x − t|, the mean being over all outputs: PyTorch's `L1Loss`.
///
/// Predictions [N, …], targets of the same shape. The gradient at x = t is 0.
public struct MeanAbsoluteError: LossFunction {
  public var name: String { "meanAbsoluteError" }
  /// Makes the loss.
  public init() {}

  public func targetType(for prediction: TensorType) -> TensorType { prediction }

  public func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    guard prediction.requireTargets(target, of: name) else { return .failed(prediction.graph) }
    return .mean((prediction - target).absolute(), weights: weights)
  }
}

extension MeanAbsoluteError {
  package static let entry = Entry<any LossFunction>(
    "meanAbsoluteError", "the mean of the magnitudes of prediction − target"
  ) { _ in MeanAbsoluteError() }
}
