import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// How outputs and labels of examples become the rows that metrics of whole evaluations count.
struct EvaluationRows {
  /// What outputs mean.
  private let loss: any InterpretingLoss
  private let meaning: OutputMeaning
  private let label: ExampleField
  /// The outputs of a row.
  let width: Int
  /// Whether each position of a sequence has a row.
  private let isOfPositions: Bool
  /// The number of outputs of an example.
  let outputsPerExample: Int

  /// - Parameters:
  ///   - output: the shape of the model's output, of one example.
  ///   - metric: a metric that asks, for messages.
  /// - Throws: ``MetricError`` where the loss does not say what outputs mean.
  init(
    _ term: OutputLosses.Term, output: [Int], on dataset: any ExampleSource, for metric: String
  ) throws(MetricError) {
    guard let loss = term.loss as? any InterpretingLoss, let meaning = loss.outputMeaning else {
      throw MetricError(
        metric,
        "cannot be computed with the loss \(term.loss.name), which does not say whether outputs are "
          + "classes or numbers: leave it out, or take another loss")
    }
    let named = term.label.flatMap { name in dataset.labelFields.first { $0.name == name } }
    guard let label = named ?? dataset.labelFields.first else {
      throw MetricError(metric, "needs labels, and '\(dataset.name)' has none")
    }
    self.loss = loss
    self.meaning = meaning
    self.label = label
    isOfPositions = (dataset as? any PaddedSource)?.labelsPositions ?? false
    outputsPerExample = output.reduce(1, *)
    width =
      meaning == .classLogits || isOfPositions ? output.last ?? 1 : output.reduce(1, *)
  }

  /// Gets metrics ready.
  ///
  /// - Parameter labels: the labels of all examples, where they were looked at.
  func prepare(
    _ metrics: [any EvaluationMetric], units: LabelUnits, labels: LabelSummary? = nil
  ) throws(MetricError) -> (ScoredForm, [PreparedMetric]) {
    let form = ScoredForm(
      meaning, width: width, loss: loss.name, isLogLikelihood: loss.isLogLikelihood,
      classNames: units.classNames.flatMap { $0.count <= width ? $0 : nil }, labels: labels)
    var prepared: [PreparedMetric] = []
    for metric in metrics { prepared.append(try metric.prepare(for: form)) }
    return (form, prepared)
  }

  /// How often each label occurs in all examples of a source.
  func summary(of dataset: any ExampleSource, _ form: ScoredForm) throws -> LabelSummary {
    var (classes, targets): ([Int32], [Float]) = ([], [])
    let together = max(1, 65536 / max(label.size, 1))
    for start in stride(from: 0, to: dataset.count, by: together) {
      let examples = Array(start..<min(start + together, dataset.count))
      try labels(of: examples[...], from: dataset) { labels, counted in
        for row in counted.indices where counted[row] {
          switch labels {
          case .classes(let labels): classes.append(labels[row])
          case .targets(let labels): targets += labels[row * width..<(row + 1) * width]
          }
        }
      }
    }
    return ScoredExamples(
      form, outputs: [], labels: meaning == .classLogits ? .classes(classes) : .targets(targets)
    ).summary
  }

  /// Reads the labels of examples, and which rows count.
  func labels(
    of examples: ArraySlice<Int>, from source: any ExampleSource,
    _ body: (_ labels: ScoredExamples.Labels, _ counted: [Bool]) throws -> Void
  ) throws {
    let field = source.field(label.name) ?? label
    if meaning == .classLogits {
      var labels = [Int32](repeating: 0, count: examples.count * field.size)
      var span = labels.mutableSpan
      try source.load(field, of: examples, into: &span)
      let counted = labels.map { $0 != field.ignored && $0 != loss.ignoredLabel }
      return try body(.classes(labels), counted)
    }
    var targets = [Float](repeating: 0, count: examples.count * field.size)
    var span = targets.mutableSpan
    try source.load(field, of: examples, into: &span)
    let rows = field.size / width
    var counted = [Bool](repeating: true, count: examples.count * rows)
    if isOfPositions, let lengths = source.field(SequenceLengths.inputName) {
      var found = [Int32](repeating: 0, count: examples.count)
      var span = found.mutableSpan
      try source.load(lengths, of: examples, into: &span)
      for place in counted.indices { counted[place] = place % rows < Int(found[place / rows]) }
    }
    try body(.targets(targets), counted)
  }
}

extension OutputLosses {
  /// The metrics of whole evaluations, all of the first loss.
  ///
  /// - Throws: ``MetricError`` where another loss has one that sums do not make too.
  func evaluationMetrics() throws(MetricError) -> [any EvaluationMetric] {
    for term in terms.dropFirst() {
      for case let metric as any EvaluationMetric in term.metrics where !metric.isSummed {
        throw MetricError(
          metric.name, "is of all examples at once, which only the first loss of several can have")
      }
    }
    // Of several losses metrics have the output's name before theirs, and sums alone make them.
    let metrics = terms.first?.metrics.compactMap { $0 as? any EvaluationMetric } ?? []
    return terms.count == 1 ? metrics : metrics.filter { !$0.isSummed }
  }
}

extension ModelSource {
  /// The names of the metrics that evaluations report as numbers, in order.
  ///
  /// - Throws: ``MetricError`` where one cannot be computed with this loss, or of such labels.
  package func evaluationMetricNames(_ units: LabelUnits) throws -> [String] {
    guard let losses, let term = losses.terms.first,
      let first = try losses.evaluationMetrics().first
    else { return metricNames }
    let rows = try EvaluationRows(term, output: outputShape(), on: dataset, for: first.name)
    let (_, prepared) = try rows.prepare(losses.evaluationMetrics(), units: units)
    return metricNames
      + prepared.filter(\.isNumber).map(\.name).filter { !metricNames.contains($0) }
  }
}
