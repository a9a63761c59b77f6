import LockstepEngine

/// What a model with several outputs is trained on: a loss for each output that has a label, and what
/// they weigh against each other. In order, so that sums have one order.
///
/// ```swift
/// let losses = OutputLosses([
///   .init("tags", SoftmaxCrossEntropy(), label: "tag"),
///   .init("length", MeanSquaredError(), label: "length", weight: 0.1),
/// ])
/// ```
///
/// The loss is Σ weight · (the mean of the output's own loss). Metrics are reported as
/// `output.metric`, and each loss as `output.loss`; with one loss alone they keep their own names.
public struct OutputLosses: Sendable {
  /// A loss of one output.
  public struct Term: Sendable {
    /// The name of the model's output; nil for its first.
    package let output: String?
    /// The name of the label that it is compared with; nil for the first.
    package let label: String?
    /// The loss.
    package let loss: any LossFunction
    /// What it weighs.
    package let weight: Float
    /// What is reported of the output beside the loss's own metrics.
    package let metrics: [any Metric]

    /// A loss of an output and a label, by their names.
    ///
    /// - Parameters:
    ///   - weight: positive.
    ///   - metrics: what is reported of the output beside the loss's own metrics.
    public init(
      _ output: String?, _ loss: any LossFunction, label: String? = nil, weight: Float = 1,
      metrics: [any Metric] = []
    ) {
      self.metrics = metrics
      self.output = output
      self.label = label
      self.loss = loss
      self.weight = weight
    }
  }

  /// The losses, at least one.
  package let terms: [Term]

  /// Losses of several outputs.
  public init(_ terms: [Term]) { self.terms = terms }

  /// The loss of a model's first output and the first label.
  ///
  /// - Parameter metrics: what is reported beside the loss's own metrics.
  public init(_ loss: any LossFunction, metrics: [any Metric] = []) {
    self.init([Term(nil, loss, metrics: metrics)])
  }

  /// The loss of a batch. The trace fails where an output or a label is missing, or a term makes no
  /// sense.
  ///
  /// - Parameters:
  ///   - outputs: the model's outputs.
  ///   - weights: what each example weighs [N], in the loss and not in metrics; nil for one each.
  ///   - labels: the label of a term, by its name; nil for the first.
  package func callAsFunction(
    _ outputs: NamedTensors, weights: Tensor? = nil,
    labels: (_ term: Term, _ prediction: Tensor) -> Tensor
  ) -> LossValue {
    var values: [(name: String, weight: Float, value: LossValue)] = []
    for term in terms {
      guard let prediction = term.output.map({ outputs[$0] }) ?? outputs.entries.first?.tensor
      else { break }
      let target = labels(term, prediction)
      let name = term.output ?? outputs.names[0]
      let value = term.loss(prediction, target, weights: weights)
        .reporting(term.metrics.summed.map { LossMetric($0, of: prediction, target) })
      values.append((name, term.weight, value))
    }
    guard let first = values.first else {
      return LossValue(sum: Graph.failed("a training has one loss at least").sum())
    }
    if values.count == 1, first.weight == 1 { return first.value.dividing(by: weights) }
    return Self.combined(values, first.value.sum.graph).dividing(by: weights)
  }

  /// Σ weight · sum / divisor: each part a mean over its own outputs, summed over examples.
  private static func combined(
    _ values: [(name: String, weight: Float, value: LossValue)], _ graph: Graph
  ) -> LossValue {
    var sum: Tensor?
    var metrics: [LossMetric] = []
    for (name, weight, value) in values {
      guard weight > 0, weight.isFinite else {
        graph.fail("the loss of '\(name)' weighs \(weight); a weight is positive and finite")
        break
      }
      guard value.weight == nil else {
        graph.fail(
          "the loss of '\(name)' counts its positions itself (ignoreIndex, classWeights), and cannot be "
            + "added to others: what their sum is divided by is the number of examples")
        break
      }
      let mean = value.sum * (1 / value.weightPerExample)
      sum = sum.map { $0 + mean * weight } ?? mean * weight
      if values.count > 1 { metrics.append(LossMetric(name: "\(name).loss", sum: mean)) }
      metrics += value.metrics.map {
        values.count > 1 ? $0.named("\(name).\($0.name)") : $0
      }
    }
    return LossValue(sum: sum ?? graph.constant(0), metrics: metrics)
  }
}

extension LossValue {
  /// The same, divided by what the examples weigh and not by their number.
  fileprivate func dividing(by weights: Tensor?) -> LossValue {
    // A loss that counts by itself has counted them.
    guard let weights, weight == nil else { return self }
    return LossValue(
      sum: sum, weightPerExample: weightPerExample, weight: weights.sum() * weightPerExample,
      metrics: metrics)
  }
}
