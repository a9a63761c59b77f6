import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization

extension Objective {
  /// The trace of a model under a loss, on a source's shapes.
  ///
  /// - Throws (when traced): ``GraphError`` where the model does not fit the inputs, or its output
  ///   the labels.
  public static func trace(
    _ model: any Model, loss: any LossFunction, metrics: [any LockstepLayers.Metric] = [],
    on source: any ExampleSource, freezing: Freezing = Freezing()
  ) -> ObjectiveTrace {
    trace(
      SingleInputModel(model), losses: OutputLosses(loss, metrics: metrics), on: source,
      freezing: freezing)
  }

  /// The trace of a model of named inputs and outputs under losses, on a source's shapes.
  ///
  /// - Throws (when traced): ``GraphError`` where the model does not fit the inputs, or an output its
  ///   label.
  public static func trace(
    _ model: any MultipleInputModel, losses: OutputLosses, on source: any ExampleSource,
    freezing: Freezing = Freezing()
  ) -> ObjectiveTrace {
    let inputs = source.inputFields.map {
      TracedInput($0.name, $0.shape, $0.isInteger ? .int32 : .float32)
    }
    let labels = LabelTargets(source)
    let padded = source as? any PaddedSource
    let isOfPositions = padded?.labelsPositions ?? false
    let losses =
      isOfPositions
      ? losses.overPositions(padding: source.labelFields.first?.ignored) : losses
    return { count, training in
      let trace = try LockstepLayers.trace(
        model, inputs: inputs, batchCount: count, training: training, freezing: freezing,
        continuation: .declared)
      if padded != nil { try trace.checkLengths(of: source, areLabelsOfPositions: isOfPositions) }
      var problem: GraphError?
      let weights = source.labelFields.first { $0.name == ExampleField.weightName }
        .map { trace.graph.input($0.name, $0.type(count).shape) }
      let value = losses(trace.outputs, weights: weights) { term, prediction in
        do throws(GraphError) {
          // After a failure shapes mean nothing.
          try trace.graph.check()
          return try labels.target(of: term, prediction, count)
        } catch {
          problem = problem ?? error
          let type = term.loss.targetType(for: prediction.type)
          return trace.graph.input(Input.labels, type.shape, type.scalar)
        }
      }
      if let problem { throw problem }
      try trace.graph.check()
      try trace.checkIndices(of: source)
      try value.check(losses, in: trace.graph)
      return Objective(
        loss: value.sum, weightPerExample: Double(value.weightPerExample), weight: value.weight,
        metrics: value.metrics.map { metric in
          if let own = metric.own { return Metric(metric.name, sums: own.sums, value: own.value) }
          let share = 1 / metric.countPerExample
          let isShared = metric.count == nil && share != 1
          return Metric(
            metric.name, sum: isShared ? metric.sum * share : metric.sum, count: metric.count)
        }, outputs: trace.outputs)
    }
  }
}

extension Trace {
  /// Throws where sequences of different lengths go through a model that does not know them.
  fileprivate func checkLengths(
    of source: any ExampleSource, areLabelsOfPositions: Bool
  ) throws(GraphError) {
    // Where each position has a label, layers that see one position at a time need no lengths.
    guard let sequences = graph.sequences, !sequences.isRead, !areLabelsOfPositions else { return }
    throw GraphError(
      "the series of '\(source.name)' have different lengths, and no layer of the model heeds them, so that "
        + "padding would count: take a recurrent layer with the output 'state', attention, or "
        + "SequencePooling, or give all series one length")
  }
}

extension Trace {
  /// Throws where the source has more tokens, or other indices, than a table that they choose from.
  fileprivate func checkIndices(of source: any ExampleSource) throws(GraphError) {
    for (input, count) in graph.indexBounds {
      guard let limit = source.field(input)?.limit, limit > count else { continue }
      throw GraphError(
        "the model has a table of \(counted(count, "vector")) and '\(source.name)' has tokens below \(limit): give "
          + "its Embedding as many as there are tokens, the vocabulary")
    }
  }
}

extension LossValue {
  /// Throws where what losses returned is no sum of the trace, or its numbers make no sense.
  fileprivate func check(_ losses: OutputLosses, in graph: Graph) throws(GraphError) {
    let name = losses.terms.map(\.loss.name).joined(separator: ", ")
    try MetricNames.check(metrics.map(\.name))
    for metric in metrics { try metric.own?.check(metric.name, in: graph) }
    let sums =
      [sum] + metrics.map(\.sum) + metrics.compactMap(\.count) + (weight.map { [$0] } ?? [])
    if let stranger = sums.first(where: { $0.graph !== graph }) {
      try stranger.graph.check()
      throw GraphError("the loss \(name) returns a tensor of another trace")
    }
    for sum in sums where !sum.shape.isEmpty {
      throw GraphError(
        "the loss \(name) returns a tensor of shape \(sum.shape) where the sum over the batch, a "
          + "scalar, is wanted: end with .sum()")
    }
    guard weightPerExample > 0, weightPerExample.isFinite else {
      throw GraphError(
        "the loss \(name) has a weightPerExample of \(weightPerExample); it must be positive "
          + "and finite")
    }
    for metric in metrics
    where !(metric.countPerExample > 0 && metric.countPerExample.isFinite) {
      throw GraphError(
        "the metric '\(metric.name)' of the loss \(name) has a countPerExample of "
          + "\(metric.countPerExample); it must be positive and finite")
    }
  }
}

/// The labels that losses compare outputs with, as tensors of a trace.
private struct LabelTargets {
  let source: String
  /// The file of the labels; that of the examples where both are in one.
  private let labelSource: String
  let labels: [ExampleField]

  init(_ source: any ExampleSource) {
    self.source = source.name
    labelSource = (source as? any LabelledSource)?.labelFile ?? source.name
    labels = source.labelFields
  }

  /// The label of a loss.
  func target(
    of term: OutputLosses.Term, _ prediction: Tensor, _ count: Int
  ) throws(GraphError) -> Tensor {
    let found = term.label.map { name in labels.first { $0.name == name } } ?? labels.first
    guard let label = found else {
      throw GraphError(
        "the loss \(term.loss.name) needs the label '\(term.label ?? ExampleField.labelName)', and "
          + "'\(source)' has \(labels.isEmpty ? "none" : labels.map { "'\($0.name)'" }.joined(separator: ", "))"
      )
    }
    let (wanted, type) = (term.loss.targetType(for: prediction.type), label.type(count))
    guard wanted == type else {
      throw GraphError(mismatch(term.loss, wanted, type, label, prediction.shape))
    }
    if let classes = label.limit, let outputs = prediction.shape.last, outputs < classes {
      throw GraphError(
        "the model has \(counted(outputs, "output")) and '\(labelSource)' has "
          + "\(counted(classes, "class", plural: "classes")): give it one output a class")
    }
    return prediction.graph.input(label.name, type.shape, type.scalar)
  }

  private func mismatch(
    _ loss: any LossFunction, _ wanted: TensorType, _ found: TensorType, _ label: ExampleField,
    _ output: [Int]
  ) -> String {
    guard wanted.scalar == found.scalar else {
      return wanted.scalar == .int32
        ? "the loss \(loss.name) needs classes, and the labels of '\(labelSource)' are numbers: take "
          + "classes for labels (of a table 'data.targetKind': 'classes', of arrays whole numbers of an "
          + "integer type), or the loss \(MeanSquaredError().name)"
        : "the loss \(loss.name) needs numbers, and the labels of '\(labelSource)' are classes: set "
          + "'data.targetKind' to 'labels' for yes and no, or to 'values' for numbers, or take "
          + "\(SoftmaxCrossEntropy().name) with one output a class"
    }
    if !label.isInteger {
      return "the model's output is [N\(output.dropFirst().map { ", \($0)" }.joined())], and an "
        + "example of '\(labelSource)' has \(label.asLabel)"
    }
    return
      "the model's output \(output) asks for \(counted(wanted.count, "label")), '\(labelSource)' has "
      + "\(found.count)"
  }
}

extension ModelSource {
  /// A model under a loss on examples, with initial weights drawn from the seed.
  ///
  /// - Parameter metrics: what is reported beside the loss's own metrics.
  /// - Throws: ``GraphError`` where the model does not fit the data.
  public convenience init(
    _ model: any Model, loss: any LossFunction, metrics: [any Metric] = [],
    on source: any ExampleSource, seed: UInt64, freezing: Freezing = Freezing(),
    options: PlanOptions = PlanOptions(), threads: Int = 1
  ) throws {
    try self.init(
      SingleInputModel(model), losses: OutputLosses(loss, metrics: metrics), on: source, seed: seed,
      freezing: freezing, options: options, threads: threads)
  }

  /// A model of named inputs and outputs under losses on examples, with initial weights drawn from the
  /// seed.
  ///
  /// - Throws: ``GraphError`` where the model does not fit the data.
  public convenience init(
    _ model: any MultipleInputModel, losses: OutputLosses, on source: any ExampleSource,
    seed: UInt64, freezing: Freezing = Freezing(), options: PlanOptions = PlanOptions(),
    threads: Int = 1
  ) throws {
    guard freezing.unfreezing.isEmpty else {
      throw GraphError(
        "only a 'Training' knows when parameters begin to move: give it the 'unfreezing', or a model without"
      )
    }
    try self.init(
      model, losses: losses, on: source, seed: seed, freezing: freezing, options: options,
      threads: threads, admit: { _, _ in })
  }

  /// As the public initialiser, with a limit of each example's gradient. `admit` looks at the memory that will be needed, and throws where that is
  /// too much.
  package convenience init(
    _ model: any MultipleInputModel, losses: OutputLosses, on source: any ExampleSource,
    seed: UInt64, freezing: Freezing = Freezing(), options: PlanOptions = PlanOptions(),
    threads: Int = 1, exampleClip: ExampleClip? = nil, readsLogits: Bool = false,
    admit: (MemoryNeed, MemoryNeed) throws -> Void
  ) throws {
    try self.init(
      dataset: source, seed: seed, options: options, threads: threads,
      padded: BatchForm.padded(source) {
        Objective.trace(model, losses: losses, on: $0, freezing: freezing)
      }, exampleClip: exampleClip, readsLogits: readsLogits, admit: admit,
      trace: Objective.trace(model, losses: losses, on: source, freezing: freezing))
    self.losses = losses
    memory.initialize(seed: seed)
  }

  /// The update of the model's trainable parameters by a chain, with the constraints that its layers
  /// carry.
  ///
  /// - Throws: `HyperparameterError`, `UpdateError`.
  public func update(
    _ chain: Chain, groups: [ParameterGroup] = []
  ) throws -> UpdateRule {
    let layout = memory.trainableLayout
    let constraints = zip(layout.slots, memory.specifications).map { $1.constraint }
    try QueryKeyClip.check(constraints, layout, frozen: memory.frozenLayout)
    return try UpdateRule(
      layout: layout, chain: chain, constraints: constraints, groups: groups)
  }
}
