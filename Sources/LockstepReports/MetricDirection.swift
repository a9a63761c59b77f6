/// Which way a metric's name says that it is better: logs have names alone.
package enum MetricDirection {
  /// Whether a metric is smaller where predictions are better: errors and losses by their names, and
  /// perplexity.
  package static func isError(_ name: String) -> Bool {
    name.hasSuffix("Error") || name.lowercased().hasSuffix("loss") || name.hasSuffix("perplexity")
  }

  /// Whether one value of a metric is better than another.
  static func isBetter(_ value: Double, than other: Double, of name: String) -> Bool {
    isError(name) ? value < other : value > other
  }
}
