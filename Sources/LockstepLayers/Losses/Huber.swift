import LockstepCatalog
public import LockstepEngine

/// e² / 2 where |e| ≤ δ, else δ (|e| − δ / 2), with e = x − t; the mean being over all outputs:
/// PyTorch's `HuberLoss`.
package struct Huber: LossFunction {
  /// δ, where the parabola becomes a line.
  package let delta: Float
  package var name: String { "huber" }

  /// - Parameter delta: δ, positive.
  package init(delta: Float = 1) { self.delta = delta }

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let isValid = delta > 0 && delta.isFinite
    guard
      prediction.requireTargets(
        target, of: name, isValid, "delta must be positive and finite, got \(delta)")
    else { return .failed(prediction.graph) }
    return .mean((prediction - target).huber(delta: delta), weights: weights)
  }
}

extension Huber {
  package static let entry = Entry<any LossFunction>(
    "huber", "a parabola that becomes a line, of prediction − target",
    [.with("delta", .smallNumber, 1, "where it does")]
  ) { values in Huber(delta: values["delta"]) }
}

extension Tensor {
  /// e² / 2 where |e| ≤ δ, else δ (|e| − δ / 2): with c = min(|e|, δ) it is c (|e| − c / 2).
  func huber(delta: Float) -> Tensor {
    let magnitude = absolute()
    let cut = magnitude - (magnitude - delta).relu()
    return cut * (magnitude - cut * 0.5)
  }
}

extension LossFunction where Self == Provided {
  /// e² / 2 where |e| ≤ δ, else δ (|e| − δ / 2), with e = x − t; the mean being over all outputs:
  /// PyTorch's `HuberLoss`.
  ///
  /// Predictions [N, …], targets of the same shape.
  ///
  /// Source: P. Huber, "Robust estimation of a location parameter", 1964.
  ///
  /// - Parameter delta: δ, positive.
  public static func huber(delta: Float = 1) -> some LossFunction { Huber(delta: delta) }
}
