public import LockstepEngine

extension Provided: LossFunction, Metric {
  public var name: String { switch self {} }
  public func targetType(for prediction: TensorType) -> TensorType { switch self {} }
  public func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue { switch self {} }
  public func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] { switch self {} }
}
