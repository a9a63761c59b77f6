internal import LockstepEngine

// How metrics come beside a loss.

extension LossMetric {
  /// A metric of a model's output.
  init(_ metric: any Metric, of prediction: Tensor, _ target: Tensor) {
    let sums = metric.sums(prediction, target)
    self.init(name: metric.name, sum: sums.first ?? prediction.graph.constant(0))
    own = MetricSums(sums: sums) { metric.value(of: $0, examples: $1) }
  }

  /// The metric under another name.
  func named(_ name: String) -> LossMetric {
    var metric = LossMetric(
      name: name, sum: sum, countPerExample: countPerExample, count: count)
    metric.own = own
    return metric
  }
}

extension LossValue {
  /// The value with more that is reported beside it.
  func reporting(_ more: [LossMetric]) -> LossValue {
    more.isEmpty
      ? self
      : LossValue(
        sum: sum, weightPerExample: weightPerExample, weight: weight, metrics: metrics + more)
  }
}
