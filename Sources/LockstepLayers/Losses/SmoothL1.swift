import LockstepCatalog
import LockstepEngine

/// e² / (2β) where |e| < β, else |e| − β / 2, with e = x − t; the mean being over all outputs:
/// PyTorch's `SmoothL1Loss`.
package struct SmoothL1: LossFunction {
  /// β, where the parabola becomes a line.
  package let beta: Float
  package var name: String { "smoothL1" }

  /// - Parameter beta: β, not negative.
  package init(beta: Float = 1) { self.beta = beta }

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let isValid = beta >= 0 && beta.isFinite
    guard
      prediction.requireTargets(
        target, of: name, isValid, "beta must not be negative, got \(beta)")
    else { return .failed(prediction.graph) }
    let error = prediction - target
    return .mean(
      beta == 0 ? error.absolute() : error.huber(delta: beta) / beta, weights: weights)
  }
}

extension SmoothL1 {
  package static let entry = Entry<any LossFunction>(
    "smoothL1", "huber over beta, whose line has the slope 1",
    [.with("beta", .number(NumberRange(from: 0, to: 1e30)), 1, "where the line begins")]
  ) { values in SmoothL1(beta: values["beta"]) }
}

extension LossFunction where Self == Provided {
  /// e² / (2β) where |e| < β, else |e| − β / 2, with e = x − t; the mean being over all outputs:
  /// PyTorch's `SmoothL1Loss`.
  ///
  /// Predictions [N, …], targets of the same shape. β = 0 is `MeanAbsoluteError`.
  ///
  /// Source: R. Girshick, "Fast R-CNN", 2015.
  ///
  /// - Parameter beta: β, where the parabola becomes a line, positive.
  public static func smoothL1(beta: Float = 1) -> some LossFunction { SmoothL1(beta: beta) }
}
