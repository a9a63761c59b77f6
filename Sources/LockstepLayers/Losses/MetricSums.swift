package import LockstepEngine

/// What a ``Metric`` asks of a batch, and what it makes of the sums over all batches.
package struct MetricSums {
  /// The sums over the batch's examples, scalars.
  package let sums: [Tensor]
  /// The value of the sums over all examples.
  package let value: @Sendable (_ sums: [Double], _ examples: Double) -> Double

  /// Throws where the sums are none of the trace, or no scalars.
  package func check(_ name: String, in graph: Graph) throws(GraphError) {
    for sum in sums where sum.graph !== graph {
      try sum.graph.check()
      throw GraphError("the metric '\(name)' returns a tensor of another trace")
    }
    for sum in sums where !sum.shape.isEmpty {
      throw GraphError(
        "the metric '\(name)' returns a tensor of shape \(sum.shape) where sums over the batch, "
          + "scalars, are wanted: end with .sum()")
    }
  }
}

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

/// The names that metrics have in events and logs.
package enum MetricNames {
  /// What else stands in a line of the logs.
  private static let taken: Set<String> = [
    "step", "epoch", "evaluation", "loss", "gradientNorm", "clippedGradientNorm", "clipped",
    "coefficient", "clippedFraction", "learningRate", "skipped", "notFinite", "sanitized",
    "hessianFree", "examples", "examplesPerSecond", "parameterNorms",
  ]

  /// Throws where a name is missing, given twice, or that of something else.
  package static func check(_ names: [String]) throws(GraphError) {
    var seen: Set<String> = []
    for name in names {
      if name.isEmpty { throw GraphError("a metric has no name") }
      if taken.contains(name) {
        throw GraphError(
          "a metric is called '\(name)', which the logs call something else: give it another name")
      }
      if !seen.insert(name).inserted {
        throw GraphError(
          "two metrics are called '\(name)': give one of them another name, or leave it out where "
            + "the loss reports it already")
      }
    }
  }
}
