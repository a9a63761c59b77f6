public import LockstepEngine

// Metrics of whole evaluations, for programs: exact and the same for any number of ranks. Evaluations report
// them, and steps do not.

extension Metric where Self == Provided {
  /// The mean of each class's F1 = 2 · precision · recall / (precision + recall), over the classes that occur in
  /// labels or predictions; reported as `macroF1`. (scikit-learn's `f1_score(average="macro")`.)
  public static func macroF1() -> some Metric {
    ClassificationMetric(quantity: .f1, average: .macro, threshold: nil, positive: nil)
  }

  /// The mean of each class's recall, over the classes that examples have. (scikit-learn's
  /// `balanced_accuracy_score`.)
  public static func balancedAccuracy() -> some Metric { BalancedAccuracy(threshold: nil) }

  /// The area under the ROC curve: how often an example of a class is ranked above one of another, ties being
  /// half. Of two classes that of the second; of more, or of several labels, the mean of each against the rest.
  /// (scikit-learn's `roc_auc_score`.)
  public static func auroc() -> some Metric {
    RankingMetric(quantity: .auroc, average: .macro, positive: nil)
  }

  /// Σ (recall − the one before) · precision over all thresholds, of classes as ``auroc()`` has them.
  /// (scikit-learn's `average_precision_score`.)
  public static func averagePrecision() -> some Metric {
    RankingMetric(quantity: .averagePrecision, average: .macro, positive: nil)
  }

  /// The mean of −log p of what is right, in Double and without weights and smoothing. (scikit-learn's
  /// `log_loss`.)
  public static func logLoss() -> some Metric { LogLoss() }

  /// √(mean (x − t)²), of several targets the mean of each one's. (scikit-learn's `root_mean_squared_error`.)
  public static func rootMeanSquaredError() -> some Metric { RootMeanSquaredError() }
}
