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
