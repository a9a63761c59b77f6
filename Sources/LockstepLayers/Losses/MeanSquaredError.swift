import LockstepCatalog
public import LockstepEngine

/// (x − t)², the mean being over all outputs: PyTorch's `mse_loss`.
///
/// Predictions [N, …], targets of the same shape.
public struct MeanSquaredError: LossFunction {
  public var name: String { "meanSquaredError" }
  /// Makes the loss, PyTorch's `MSELoss`.
  public init() {}

  public func targetType(for prediction: TensorType) -> TensorType { prediction }

  public func callAsFunction(
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
