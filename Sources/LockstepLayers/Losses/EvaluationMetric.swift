import LockstepEngine

/// A metric of all examples of an evaluation at once, which no sums over shards make: rankings, counts of
/// each class, means in Double.
///
/// It is computed by one rank, from the outputs and labels of all examples in one order, so that its bits do
/// not depend on the number of ranks. Steps of training do not report it.
package protocol EvaluationMetric: Metric {
  /// Gets ready for the outputs and the labels of an evaluation.
  ///
  /// - Throws: ``MetricError`` where the metric cannot be computed of them.
  func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric

  /// Whether steps of training report it too, from sums over shards.
  var isSummed: Bool { get }
}

extension EvaluationMetric {
  /// Steps do not report it.
  package var isSummed: Bool { false }

  /// There are no sums.
  package func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] { [] }
}

extension [any Metric] {
  /// Those that are made of sums over shards.
  var summed: [any Metric] { filter { ($0 as? any EvaluationMetric)?.isSummed ?? true } }
}

/// What an ``EvaluationMetric`` will report.
package struct PreparedMetric: Sendable {
  /// What it is made of.
  package enum Value: Sendable {
    /// The evaluation's loss.
    case ofLoss(@Sendable (_ loss: Double) -> Double)
    /// Outputs and labels of all examples.
    case ofExamples(@Sendable (ScoredExamples) -> Double)
    /// Outputs and labels of all examples: a value a row and column, row by row.
    case table(rows: [String], columns: [String], @Sendable (ScoredExamples) -> [Double])
  }

  /// The name in reports.
  package private(set) var name: String
  /// What it is made of.
  package let value: Value

  init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  /// The same with a prefix before its name.
  package func named(behind prefix: String) -> PreparedMetric {
    var metric = self
    metric.name = prefix + name
    return metric
  }

  /// The number of values.
  package var count: Int {
    if case .table(let rows, let columns, _) = value { rows.count * columns.count } else { 1 }
  }

  /// Whether it is one number.
  package var isNumber: Bool { if case .table = value { false } else { true } }

  /// Whether it is made of outputs and labels.
  package var needsExamples: Bool { if case .ofLoss = value { false } else { true } }

  /// The values.
  ///
  /// - Parameters:
  ///   - examples: all examples; nil where no metric needs them.
  ///   - loss: the evaluation's loss.
  package func values(of examples: ScoredExamples?, loss: Double) -> [Double] {
    switch (value, examples) {
    case (.ofLoss(let value), _): [value(loss)]
    case (.ofExamples(let value), let examples?): [value(examples)]
    case (.table(_, _, let values), let examples?): values(examples)
    case (.ofExamples, nil), (.table, nil): Array(repeating: .nan, count: count)
    }
  }
}

/// Why a metric cannot be computed.
package struct MetricError: Error, Equatable, CustomStringConvertible {
  /// The metric's name.
  package let metric: String
  /// What is wrong, and what to do.
  package let reason: String

  /// Makes an error.
  package init(_ metric: String, _ reason: String) {
    self.metric = metric
    self.reason = reason
  }

  package var description: String { "the metric '\(metric)' \(reason)" }
}
