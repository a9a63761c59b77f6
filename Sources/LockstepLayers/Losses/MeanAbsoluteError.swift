import LockstepCatalog
import LockstepEngine

/// |x − t|, the mean being over all outputs: PyTorch's `L1Loss`.
package struct MeanAbsoluteError: LossFunction {
  package var name: String { "meanAbsoluteError" }
  /// Makes the loss.
  package init() {}

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
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

extension LossFunction where Self == Provided {
  /// |x − t|, the mean being over all outputs: PyTorch's `L1Loss`.
  ///
  /// Predictions [N, …], targets of the same shape. The gradient at x = t is 0.
  public static func meanAbsoluteError() -> some LossFunction { MeanAbsoluteError() }
}
