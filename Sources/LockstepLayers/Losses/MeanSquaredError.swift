import LockstepCatalog
import LockstepEngine

/// (x − t)², the mean being over all outputs: PyTorch's `mse_loss`.
package struct MeanSquaredError: LossFunction {
  package var name: String { "meanSquaredError" }
  /// Makes the loss, PyTorch's `MSELoss`.
  package init() {}

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    LossValue(
      sum: prediction.squaredError(targets: target, weights: weights),
      weightPerExample: valuesPerExample(prediction.shape), metrics: [])
  }
}

extension MeanSquaredError {
  package static let entry = Entry<any LossFunction>(
    "meanSquaredError", "the mean of (prediction − target)²"
  ) { _ in MeanSquaredError() }
}

extension LossFunction where Self == Provided {
  /// (x − t)², the mean being over all outputs: PyTorch's `mse_loss`.
  ///
  /// Predictions [N, …], targets of the same shape.
  public static func meanSquaredError() -> some LossFunction { MeanSquaredError() }
}
