import LockstepEngine

/// A quantity that is reported beside the loss, whatever the loss is.
///
/// A metric is made of sums over examples, which shards and ranks add up by the tree, and of a formula
/// that makes the value of the sums, once:
///
/// ```swift
/// struct RootMeanSquaredError: Metric {
///   var name: String { "rootMeanSquaredError" }
///
///   func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
///     [(prediction - target).square().mean(Array(1..<prediction.shape.count)).sum()]
///   }
///
///   func value(of sums: [Double], examples: Double) -> Double {
///     (sums[0] / examples).squareRoot()
///   }
/// }
/// ```
///
/// Sums are Float32 within a shard and Double over shards. A metric that does not fit its tensors says so
/// by `prediction.graph.fail`, and returns as many sums as always.
public protocol Metric: Sendable {
  /// The name in reports, `top5Accuracy`; no two metrics of a training share one.
  var name: String { get }

  /// What the value is made of: scalars, each a sum over the batch's examples.
  ///
  /// - Parameters:
  ///   - prediction: the model's output, which the loss gets.
  ///   - target: the targets, of the type that the loss asks for.
  func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor]

  /// The value of the sums over all examples. By default the mean of the first sum over examples.
  func value(of sums: [Double], examples: Double) -> Double
}

extension Metric {
  public func value(of sums: [Double], examples: Double) -> Double {
    sums.first.map { $0 / examples } ?? .nan
  }
}

/// A metric that is smaller where predictions are better: the smallest is the best one.
package protocol ErrorMetric: Metric {}
