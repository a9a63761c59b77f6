import LockstepEngine
import LockstepCatalog

/// The mean of −log p of what is right, p being the model's probability. (scikit-learn's `log_loss`, without
/// its rounding of probabilities near 0.)
package struct LogLoss: EvaluationMetric, ErrorMetric {
  package var name: String { "logLoss" }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    try form.requireClasses(name)
    return PreparedMetric(
      name,
      .ofExamples { examples in
        switch examples.labels {
        case .classes(let classes):
          return classes.enumerated().lazy.map { examples.classLoss($0, Int($1)) }
            .compensatedSum / Double(max(classes.count, 1))
        case .targets(let targets):
          return zip(examples.outputs, targets).lazy.map { output, target in
            ScoredExamples.softplus(Double(output)) - Double(output) * Double(target)
          }.compensatedSum / Double(max(targets.count, 1))
        }
      })
  }

  package static let entry = Entry<any Metric>(
    "logLoss",
    "the mean of −log p of what is right, p being the model's probability, in Double and without smoothing or weights"
  ) { _ in LogLoss() }
}

/// The expected calibration error: Σ over bins of confidence of (rows in it / rows) · |accuracy − mean
/// confidence|, confidence being the probability of the class that is taken.
///
/// Source: M. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
/// binning", 2015.
package struct CalibrationError: EvaluationMetric, ErrorMetric {
  package var name: String { "calibrationError" }
  let bins: Int

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    _ = try form.requireExclusiveClasses(name)
    return PreparedMetric(
      name,
      .ofExamples { [bins] examples in
        var counts = [Int](repeating: 0, count: bins)
        var right = counts
        var sums = [CompensatedSum](repeating: CompensatedSum(), count: bins)
        for row in 0..<examples.count {
          let taken = examples.decision(row)
          let confidence = examples.probability(row, of: taken)
          // The bin (i / bins, (i + 1) / bins].
          let bin = min(max(Int((confidence * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
          counts[bin] += 1
          sums[bin] += confidence
          if examples.label(row) == taken { right[bin] += 1 }
        }
        return (0..<bins).map { (Double(right[$0]) - sums[$0].value).magnitude }.compensatedSum
          / Double(max(examples.count, 1))
      })
  }

  package static let entry = Entry<any Metric>(
    "calibrationError",
    "the expected calibration error: the mean distance between confidence and accuracy, over bins of confidence",
    [.with("bins", .integer(1...1_000_000), 15, "the number of bins, of one width each")]
  ) { values in CalibrationError(bins: values["bins"]) }
}

/// e^loss, where the loss is the mean of −log p of the labels: how many equally likely classes would be as hard
/// to tell apart.
package struct Perplexity: EvaluationMetric, ErrorMetric {
  package var name: String { "perplexity" }

  package func prepare(for form: ScoredForm) throws(MetricError) -> PreparedMetric {
    guard form.isLogLikelihood else {
      throw MetricError(
        name,
        "is e^loss of softmaxCrossEntropy without 'labelSmoothing' and 'classWeights'; the loss here is "
          + "another one: leave it out")
    }
    return PreparedMetric(name, .ofLoss { ExactMath.exponential($0) })
  }

  package static let entry = Entry<any Metric>(
    "perplexity", "e^loss of `softmaxCrossEntropy` without smoothing and weights"
  ) { _ in Perplexity() }
}
