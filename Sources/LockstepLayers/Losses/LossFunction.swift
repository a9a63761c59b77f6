public import LockstepEngine

/// What a batch's predictions cost, as sums: training divides by folded weights, once.
public struct LossValue {
  /// Σ weight · loss over the batch, a scalar.
  public let sum: Tensor
  /// What one example of weight one adds to the divisor, where ``weight`` is nil: the number of outputs
  /// of an example where the loss is a mean over outputs too, else one.
  package let weightPerExample: Float
  /// Σ weight over what counts in this batch, a scalar: the batch's part of the divisor, where
  /// examples differ in what they add to it. Nil where ``weightPerExample`` says it.
  ///
  /// With it ranks know the divisor only once all have computed, so that gradients cannot be divided
  /// as they arrive: give it where examples do differ.
  package let weight: Tensor?
  /// What is reported beside the loss.
  package let metrics: [LossMetric]

  /// - Parameters:
  ///   - weightPerExample: positive and finite.
  ///   - weight: the batch's part of the divisor, in the place of `weightPerExample`.
  public init(
    sum: Tensor, weightPerExample: Float = 1, weight: Tensor? = nil, metrics: [LossMetric] = []
  ) {
    self.sum = sum
    self.weightPerExample = weightPerExample
    self.weight = weight
    self.metrics = metrics
  }
}

/// A quantity that is reported beside the loss: Σ over all examples / (examples · countPerExample), or
/// Σ over all examples / Σ count.
public struct LossMetric {
  /// Its name in reports, `accuracy`.
  package let name: String
  /// The sum over the batch's examples, unweighted; a scalar.
  package let sum: Tensor
  /// How many predictions an example has, where ``count`` is nil.
  package let countPerExample: Float
  /// How many predictions of the batch count, a scalar; nil where ``countPerExample`` says it.
  package let count: Tensor?
  /// What a ``Metric`` makes of several sums, in the place of the rest.
  package var own: MetricSums?

  /// - Parameters:
  ///   - countPerExample: positive and finite.
  ///   - count: the number of predictions that count, in the place of `countPerExample`.
  public init(name: String, sum: Tensor, countPerExample: Float = 1, count: Tensor? = nil) {
    self.name = name
    self.sum = sum
    self.countPerExample = countPerExample
    self.count = count
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
