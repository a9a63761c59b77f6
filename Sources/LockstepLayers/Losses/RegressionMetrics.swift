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
    let width = Int(valuesPerExample(prediction.shape))
    let (x, t) = (prediction.reshaped(to: [-1, width]), target.reshaped(to: [-1, width]))
    return (0..<width).flatMap { place in
      let (x, t) = (
        x.sliced(axis: 1, place..<place + 1), t.sliced(axis: 1, place..<place + 1)
      )
      return [(x - t).square().sum(), t.square().sum(), t.sum()]
    }
  }

  package func value(of sums: [Double], examples: Double) -> Double {
    let values = stride(from: 0, to: sums.count, by: 3).map { place in
      let variation = sums[place + 1] - sums[place + 2] * sums[place + 2] / examples
      return variation > 0 ? 1 - sums[place] / variation : .nan
    }
    return values.reduce(0, +) / Double(values.count)
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
    "\(name): expects predictions and targets of one shape, got \(prediction.shape) "
      + "and \(target.shape): metrics of numbers go with targets of numbers")
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
  /// Predictions [N, …], targets of the same shape; of several numbers an example the mean of each one's R². NaN
  /// where all targets are equal. The variance is Σt² − N t̄² and loses digits where |t̄| is large beside the deviation: at
  /// 100 times, R² has about 3. (scikit-learn's `r2_score`.)
  public static func rSquared() -> some Metric { RSquared() }
}
