import LockstepCatalog
import LockstepOptimization

/// The mean of each class's recall, over the classes that examples have: accuracy where each class counts
/// alike. (scikit-learn's `balanced_accuracy_score`.)
package struct BalancedAccuracy: EvaluationMetric {
  package var name: String { "balancedAccuracy" }
  let threshold: Double?

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    _ = try form.requireExclusiveClasses(name)
    let logOdds = try form.threshold(threshold, name)
    return PreparedMetric(
      name, .ofExamples { ConfusionCounts($0, threshold: logOdds).balancedAccuracy })
  }

  package static let entry = Entry<any Metric>(
    "balancedAccuracy", "the mean of each class's recall, over the classes that examples have",
    [.threshold]
  ) { values in BalancedAccuracy(threshold: values["threshold"]) }
}

/// Matthews's correlation of labels and predictions, in −1...1; 0 where either never varies. (scikit-learn's
/// `matthews_corrcoef`.)
package struct MatthewsCorrelation: EvaluationMetric {
  package var name: String { "matthewsCorrelation" }
  let threshold: Double?

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    _ = try form.requireExclusiveClasses(name)
    let logOdds = try form.threshold(threshold, name)
    return PreparedMetric(
      name, .ofExamples { ConfusionCounts($0, threshold: logOdds).matthewsCorrelation })
  }

  package static let entry = Entry<any Metric>(
    "matthewsCorrelation",
    "Matthews's correlation of labels and predictions, in −1…1; 0 where either never varies",
    [.threshold]
  ) { values in MatthewsCorrelation(threshold: values["threshold"]) }
}

/// How many examples of each class were given each class. (scikit-learn's `confusion_matrix`.)
package struct ConfusionMatrix: EvaluationMetric {
  package var name: String { "confusionMatrix" }
  let threshold: Double?

  /// Makes the metric.
  package init(threshold: Double? = nil) { self.threshold = threshold }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    let names = (0..<(try form.requireExclusiveClasses(name))).map { form.name($0) }
    let logOdds = try form.threshold(threshold, name)
    return PreparedMetric(
      name,
      .table(rows: names, columns: names) { examples in
        ConfusionCounts(examples, threshold: logOdds).matrix.flatMap { $0.map(Double.init) }
      })
  }

  package static let entry = Entry<any Metric>(
    "confusionMatrix",
    "how many examples of each class, a row, were given each class, a column",
    [.threshold]
  ) { values in ConfusionMatrix(threshold: values["threshold"]) }
}

/// Precision, recall, F1 and the number of examples of each class. (scikit-learn's
/// `precision_recall_fscore_support`.)
package struct PerClass: EvaluationMetric {
  package var name: String { "perClass" }
  let threshold: Double?

  /// Makes the metric.
  package init(threshold: Double? = nil) { self.threshold = threshold }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    try form.requireClasses(name)
    let logOdds = try form.threshold(threshold, name)
    return PreparedMetric(
      name,
      .table(
        rows: (0..<(form.classCount ?? form.width)).map { form.name($0) },
        columns: ["precision", "recall", "f1", "examples"]
      ) { examples in
        ConfusionCounts(examples, threshold: logOdds).classes.flatMap {
          [$0.precision, $0.recall, $0.f1, Double($0.labelled)]
        }
      })
  }

  package static let entry = Entry<any Metric>(
    "perClass", "precision, recall, F1 and the number of examples of each class", [.threshold]
  ) { values in PerClass(threshold: values["threshold"]) }
}
