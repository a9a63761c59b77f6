import LockstepCatalog

/// How far predictions of numbers are from their targets, in the targets' own units: the mean over targets,
/// where there are several.
package protocol NumberMetric: EvaluationMetric {
  /// The value of one target.
  static func value(_ predictions: [Double], _ targets: [Double]) -> Double
  /// Whether a target with one value in all examples has no value of the metric.
  var needsVariation: Bool { get }
}

extension NumberMetric {
  package var needsVariation: Bool { false }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    guard form.meaning == .numbers else {
      throw MetricError(
        name,
        "is of numbers, and the loss \(form.loss) is of classes: leave it out, or take a loss of numbers"
      )
    }
    if needsVariation, let labels = form.labels {
      if labels.rows < 2 || labels.isConstant.contains(true) {
        throw MetricError(
          name,
          "cannot be computed: a target has one value in all \(labels.rows) examples that are evaluated; give "
            + "other test examples, or leave it out")
      }
    }
    return PreparedMetric(
      name,
      .ofExamples { examples in
        let width = examples.form.width
        let values = (0..<width).map { column in
          Self.value(
            examples.column(column, of: examples.outputs),
            examples.column(column, of: examples.targets))
        }
        return values.compensatedSum / Double(max(width, 1))
      })
  }
}

extension ScoredExamples {
  /// The targets; none where labels are classes.
  fileprivate var targets: [Float] {
    if case .targets(let targets) = labels { targets } else { [] }
  }

  /// One output or target of all rows, in its own unit.
  fileprivate func column(_ column: Int, of values: [Float]) -> [Double] {
    let unit = scale.isEmpty ? (mean: 0, deviation: 1) : scale[column % scale.count]
    return stride(from: column, to: values.count, by: form.width).map {
      scale.isEmpty ? Double(values[$0]) : Double(values[$0]) * unit.deviation + unit.mean
    }
  }
}

extension MeanAbsoluteErrorMetric: NumberMetric {
  package var isSummed: Bool { true }

  package static func value(_ predictions: [Double], _ targets: [Double]) -> Double {
    zip(predictions, targets).lazy.map { ($0 - $1).magnitude }.compensatedSum
      / Double(targets.count)
  }
}

extension RSquared: NumberMetric {
  package var isSummed: Bool { true }
  package var needsVariation: Bool { true }

  package static func value(_ predictions: [Double], _ targets: [Double]) -> Double {
    let mean = targets.compensatedSum / Double(targets.count)
    let variation = targets.lazy.map { ($0 - mean) * ($0 - mean) }.compensatedSum
    let rest = zip(predictions, targets).lazy.map { ($1 - $0) * ($1 - $0) }.compensatedSum
    return variation > 0 ? 1 - rest / variation : .nan
  }
}

/// √(mean (x − t)²). (scikit-learn's `root_mean_squared_error`.)
package struct RootMeanSquaredError: NumberMetric, ErrorMetric {
  package var name: String { "rootMeanSquaredError" }
  /// Makes the metric.
  package init() {}

  package static func value(_ predictions: [Double], _ targets: [Double]) -> Double {
    (zip(predictions, targets).lazy.map { ($0 - $1) * ($0 - $1) }.compensatedSum
      / Double(targets.count)).squareRoot()
  }

  package static let entry = Entry<any Metric>(
    "rootMeanSquaredError", "the root of the mean of (prediction − target)²"
  ) { _ in RootMeanSquaredError() }
}

/// The mean of |x − t| / |t|, a fraction; where t is 0, divided by 2⁻⁵², as scikit-learn's
/// `mean_absolute_percentage_error` does.
package struct MeanAbsolutePercentageError: NumberMetric, ErrorMetric {
  package var name: String { "meanAbsolutePercentageError" }

  package static func value(_ predictions: [Double], _ targets: [Double]) -> Double {
    zip(predictions, targets).lazy.map {
      ($0 - $1).magnitude / max($1.magnitude, Double.ulpOfOne)
    }.compensatedSum / Double(targets.count)
  }

  package static let entry = Entry<any Metric>(
    "meanAbsolutePercentageError",
    "the mean of the magnitudes of (prediction − target) / target, a fraction: very large where a target is 0"
  ) { _ in MeanAbsolutePercentageError() }
}
