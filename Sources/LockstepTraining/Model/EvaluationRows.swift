import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers

/// How outputs and labels of examples become the rows that metrics of whole evaluations count.
struct EvaluationRows {
  /// What outputs mean.
  private let loss: any InterpretingLoss
  /// Whether e^loss is a perplexity: an evaluation's loss is that of one loss alone.
  private let isLogLikelihood: Bool
  private let meaning: OutputMeaning
  private let label: ExampleField
  /// What stands before the names of metrics.
  private let namePrefix: String
  /// The outputs of a row.
  let width: Int
  /// Whether each position of a sequence has a row.
  private let isOfPositions: Bool
  /// The number of outputs of an example.
  let outputsPerExample: Int

  /// - Parameters:
  ///   - index: the number of the loss.
  ///   - output: the shape of the model's output, of one example.
  ///   - metric: a metric that asks, for messages.
  /// - Throws: ``MetricError`` where the loss does not say what outputs mean.
  init(
    _ losses: OutputLosses, _ index: Int, output: [Int], on dataset: any ExampleSource,
    for metric: String
  ) throws(MetricError) {
    let term = losses.terms[index]
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
    isLogLikelihood = loss.isLogLikelihood && losses.terms.count == 1
    namePrefix = losses.name(ofMetric: "", at: index)
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
      meaning, width: width, loss: loss.name, isLogLikelihood: isLogLikelihood,
      classNames: units.classNames.flatMap { $0.count <= width ? $0 : nil }, labels: labels)
    var prepared: [PreparedMetric] = []
    for metric in metrics {
      prepared.append(try metric.prepare(for: form).named(behind: namePrefix))
    }
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

extension OutputLosses.Term {
  /// The metrics of whole evaluations.
  var evaluationMetrics: [any EvaluationMetric] {
    metrics.compactMap { $0 as? any EvaluationMetric }
  }
}

extension OutputLosses {
  /// What a metric of a loss is called in reports.
  func name(ofMetric name: String, at index: Int) -> String {
    guard terms.count > 1, let output = terms[index].output else { return name }
    return "\(output).\(name)"
  }

  /// The metrics that are smaller where predictions are better.
  package var errorNames: Set<String> {
    var names: Set<String> = []
    for (index, term) in terms.enumerated() {
      for metric in term.metrics where metric is any ErrorMetric {
        names.insert(name(ofMetric: metric.name, at: index))
      }
      if terms.count > 1 { names.insert(name(ofMetric: EvaluationReport.lossName, at: index)) }
    }
    return names
  }
}

extension Objective {
  /// The outputs that evaluations read: the first, or all where several have losses.
  func read(for losses: OutputLosses?) -> [Tensor] {
    losses?.terms.count ?? 1 > 1 ? outputs.entries.map(\.tensor) : [output]
  }

  /// For each loss the place of its output among those.
  func places(of losses: OutputLosses?) -> [Int] {
    guard let terms = losses?.terms, terms.count > 1 else { return [0] }
    return terms.map { term in term.output.flatMap { outputs.names.firstIndex(of: $0) } ?? 0 }
  }
}

extension ModelSource {
  /// The names of the metrics that evaluations report as numbers, in order.
  ///
  /// - Parameter units: of the labels of each loss.
  /// - Throws: ``MetricError`` where one cannot be computed with its loss, or of such labels.
  package func evaluationMetricNames(_ units: [LabelUnits]) throws -> [String] {
    guard let losses else { return metricNames }
    let objective = try model.trace(2, false)
    let (read, places) = (objective.read(for: losses), objective.places(of: losses))
    var names = metricNames
    for (index, term) in losses.terms.enumerated() {
      guard let first = term.evaluationMetrics.first else { continue }
      let rows = try EvaluationRows(
        losses, index, output: Array(read[places[index]].shape.dropFirst()), on: dataset,
        for: first.name)
      let (_, prepared) = try rows.prepare(
        term.evaluationMetrics,
        units: units.indices.contains(index) ? units[index] : LabelUnits())
      names += prepared.filter(\.isNumber).map(\.name).filter { !names.contains($0) }
    }
    return names
  }
}
