import LockstepCatalog

/// The metrics that a configuration can name, beside those that a loss reports anyway.
package enum MetricCatalog {
  /// The metrics, in the order of documentation.
  package static let catalog = Catalog<any Metric>(
    "metric",
    [TopKAccuracy.entry] + ClassificationMetric.entries
      + [BalancedAccuracy.entry, MatthewsCorrelation.entry] + RankingMetric.entries
      + [
        LogLoss.entry, CalibrationError.entry, Perplexity.entry, ConfusionMatrix.entry,
        PerClass.entry, RSquared.entry, MeanAbsoluteErrorMetric.entry, RootMeanSquaredError.entry,
        MeanAbsolutePercentageError.entry,
      ])
}
