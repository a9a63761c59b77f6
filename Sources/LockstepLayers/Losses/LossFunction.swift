public import LockstepEngine

/// What a batch's predictions cost, as sums: training divides by folded weights, once.
public struct LossValue {
  /// Σ weight · loss over the examples, a scalar.
  public let sum: Tensor
  /// What one example of weight one adds to the divisor: the number of outputs of an example where
  /// the loss is a mean over outputs too, else one.
  public let weightPerExample: Float
  /// What is reported beside the loss.
  public let metrics: [LossMetric]

  /// - Parameter weightPerExample: positive and finite.
  public init(sum: Tensor, weightPerExample: Float = 1, metrics: [LossMetric] = []) {
    self.sum = sum
    self.weightPerExample = weightPerExample
    self.metrics = metrics
  }
}

/// A quantity that is reported beside the loss: Σ over all examples / (examples · countPerExample).
public struct LossMetric {
  /// Its name in reports, `accuracy`.
  public let name: String
  /// The sum over the batch's examples, unweighted; a scalar.
  public let sum: Tensor
  /// How many predictions an example has.
  public let countPerExample: Float

  /// - Parameter countPerExample: positive and finite.
  public init(name: String, sum: Tensor, countPerExample: Float = 1) {
    self.name = name
    self.sum = sum
    self.countPerExample = countPerExample
  }
}

/// A loss of predictions and targets.
///
/// ```swift
/// struct AbsoluteError: LossFunction {
///   var name: String { "absoluteError" }
///   func targetType(for prediction: TensorType) -> TensorType { prediction }
///
///   func callAsFunction(_ prediction: Tensor, _ target: Tensor, weights: Tensor?) -> LossValue {
///     var errors = (prediction - target).absolute().mean([1])
///     if let weights { errors = errors * weights }
///     return LossValue(sum: errors.sum())
///   }
/// }
/// ```
public protocol LossFunction: Sendable {
  /// The name in reports.
  var name: String { get }

  /// The type of the targets that go with predictions of a type.
  func targetType(for prediction: TensorType) -> TensorType

  /// The loss of a batch; `weights` holds one weight an example [N], all one where nil.
  func callAsFunction(_ prediction: Tensor, _ target: Tensor, weights: Tensor?) -> LossValue
}

extension LossFunction {
  /// The loss of a batch of equally weighted examples.
  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> LossValue {
    self(prediction, target, weights: nil)
  }
}

/// The number of values of one example.
func valuesPerExample(_ shape: [Int]) -> Float { Float(shape.dropFirst().reduce(1, *)) }
