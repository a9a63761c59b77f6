package import LockstepEngine

/// The names that metrics have in events and logs.
package enum MetricNames {
  /// What else stands in a line of the logs.
  private static let taken: Set<String> = [
    "step", "epoch", "evaluation", "loss", "gradientNorm", "clippedGradientNorm", "clipped",
    "coefficient", "clippedFraction", "learningRate", "skipped", "notFinite", "sanitized",
    "hessianFree", "examples", "examplesPerSecond", "parameterNorms", "largestLogit",
    "clippedHeads",
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
