import LockstepCatalog
public import LockstepEngine

/// The mean of |x − t| over examples and outputs. (PyTorch's `l1_loss`, scikit-learn's
/// `mean_absolute_error`.)
package struct MeanAbsoluteErrorMetric: Metric {
  package var name: String { "meanAbsoluteError" }
  /// Makes the metric.
  package init() {}

  package func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    guard haveOneShape(prediction, target, name) else { return [prediction.graph.constant(0)] }
    let errors = (prediction - target).absolute().sum()
    return [errors / valuesPerExample(prediction.shape)]
  }
}

extension MeanAbsoluteErrorMetric: ErrorMetric {
  package static let entry = Entry<any Metric>(
    "meanAbsoluteError", "the mean of the magnitudes of prediction − target"
  ) { _ in MeanAbsoluteErrorMetric() }
}

/// R², the part of the targets' variance that predictions explain: 1 − Σ(t − x)² / Σ(t − t̄)².
package struct RSquared: Metric {
  package var name: String { "rSquared" }
  /// Makes the metric.
  package init() {}

  package func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    let none = prediction.graph.constant(0)
    guard haveOneShape(prediction, target, name) else { return [none, none, none] }
    guard valuesPerExample(prediction.shape) == 1 else {
      prediction.graph.fail("\(name): expects one number an example, got \(prediction.shape)")
      return [none, none, none]
    }
    return [(prediction - target).square().sum(), target.square().sum(), target.sum()]
  }

  package func value(of sums: [Double], examples: Double) -> Double {
    let variation = sums[1] - sums[2] * sums[2] / examples
    return variation > 0 ? 1 - sums[0] / variation : .nan
  }
}

extension RSquared {
  package static let entry = Entry<any Metric>(
    "rSquared", "R², the part of the targets' variance that predictions explain"
  ) { _ in RSquared() }
}

/// Whether predictions and targets are of one shape; the graph fails where they are not.
private func haveOneShape(_ prediction: Tensor, _ target: Tensor, _ name: String) -> Bool {
  if prediction.type == target.type, !prediction.shape.isEmpty { return true }
  prediction.graph.fail(
    "\(name): expects predictions and targets of one shape, got \(prediction.type) and "
      + "\(target.type)")
  return false
}

extension Metric where Self == Provided {
  /// The mean of |x − t| over examples and outputs. (PyTorch's `l1_loss`, scikit-learn's
  /// `mean_absolute_error`.)
  ///
  /// Predictions [N, …], targets of the same shape.
  public static func meanAbsoluteError() -> some Metric { MeanAbsoluteErrorMetric() }
}

extension Metric where Self == Provided {
  /// R², the part of the targets' variance that predictions explain: 1 − Σ(t − x)² / Σ(t − t̄)².
  ///
  /// Predictions are one number an example, [N] or [N, 1], targets of the same shape. NaN where all targets
  /// are equal. The variance is Σt² − N t̄² and loses digits where |t̄| is large beside the deviation: at
  /// 100 times, R² has about 3. (scikit-learn's `r2_score`.)
  public static func rSquared() -> some Metric { RSquared() }
}
