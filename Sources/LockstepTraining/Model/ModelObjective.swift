import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization

extension Objective {
  /// The trace of a model under a loss, on a data set's shapes.
  ///
  /// - Throws (when traced): ``GraphError`` where the model does not fit the inputs, or its output
  ///   the labels.
  public static func trace(
    _ model: any Model, loss: any LossFunction, on dataset: Dataset,
    freezing: Freezing = Freezing()
  ) -> ObjectiveTrace {
    let inputShape = dataset.inputShape
    let labels = dataset.labels
    let name = dataset.name
    return { count, training in
      let trace = try LockstepLayers.trace(
        model, inputShape: inputShape, batchCount: count, training: training,
        freezing: freezing)
      let wanted = loss.targetType(for: trace.output.type)
      let found =
        switch labels {
        case .classes: TensorType([count], .int32)
        case .targets(_, let width): TensorType([count, width])
        }
      guard wanted == found else {
        throw GraphError(mismatch(loss, wanted, found, labels, trace.output.shape, name))
      }
      if case .classes(_, let classes) = labels, let outputs = trace.output.shape.last,
        outputs < classes
      {
        throw GraphError(
          "the model has \(counted(outputs, "output")) and '\(name)' has "
            + "\(counted(classes, "class", plural: "classes")): give it one output a class")
      }
      let target = trace.graph.input(Input.labels, found.shape, found.scalar)
      let value = loss(trace.output, target)
      try trace.graph.check()
      try check(value, of: loss, in: trace.graph)
      return Objective(
        loss: value.sum, weightPerExample: Double(value.weightPerExample),
        metrics: value.metrics.map { metric in
          let share = 1 / metric.countPerExample
          return (metric.name, share == 1 ? metric.sum : metric.sum * share)
        }, output: trace.output)
    }
  }

  /// Throws where what a loss returned is no sum of the trace, or its numbers make no sense.
  private static func check(
    _ value: LossValue, of loss: any LossFunction, in graph: Graph
  ) throws(GraphError) {
    let sums = [value.sum] + value.metrics.map(\.sum)
    if let stranger = sums.first(where: { $0.graph !== graph }) {
      try stranger.graph.check()
      throw GraphError("the loss \(loss.name) returns a tensor of another trace")
    }
    for sum in sums where !sum.shape.isEmpty {
      throw GraphError(
        "the loss \(loss.name) returns a tensor of shape \(sum.shape) where the sum over the batch, a "
          + "scalar, is wanted: end with .sum()")
    }
    guard value.weightPerExample > 0, value.weightPerExample.isFinite else {
      throw GraphError(
        "the loss \(loss.name) has a weightPerExample of \(value.weightPerExample); it must be positive "
          + "and finite")
    }
    for metric in value.metrics
    where !(metric.countPerExample > 0 && metric.countPerExample.isFinite) {
      throw GraphError(
        "the metric '\(metric.name)' of the loss \(loss.name) has a countPerExample of "
          + "\(metric.countPerExample); it must be positive and finite")
    }
  }

  private static func mismatch(
    _ loss: any LossFunction, _ wanted: TensorType, _ found: TensorType, _ labels: Dataset.Labels,
    _ output: [Int], _ name: String
  ) -> String {
    guard wanted.scalar == found.scalar else {
      return wanted.scalar == .int32
        ? "the loss \(loss.name) needs classes, and the labels of '\(name)' are numbers: leave "
          + "'data.targetKind' out, or take \(MeanSquaredError().name)"
        : "the loss \(loss.name) needs numbers, and the labels of '\(name)' are classes: set "
          + "'data.targetKind' to 'values' where the target is a column of numbers, or take "
          + "\(SoftmaxCrossEntropy().name) with one output a class"
    }
    if case .targets(_, let width) = labels {
      return "the model's output is [N\(output.dropFirst().map { ", \($0)" }.joined())], and an "
        + "example of '\(name)' has \(width) target value\(width == 1 ? "" : "s")"
    }
    return "the model's output \(output) asks for \(counted(wanted.count, "label")), '\(name)' has "
      + "\(found.count)"
  }
}

extension ModelSource {
  /// A model under a loss on a data set, with initial weights drawn from the seed.
  ///
  /// - Throws: ``GraphError`` where the model does not fit the data.
  public convenience init(
    _ model: any Model, loss: any LossFunction, on dataset: Dataset, seed: UInt64,
    freezing: Freezing = Freezing(), options: PlanOptions = PlanOptions(), threads: Int = 1,
    admit: (MemoryNeed, MemoryNeed) throws -> Void = { _, _ in }
  ) throws {
    try self.init(
      dataset: dataset, seed: seed, options: options, threads: threads, admit: admit,
      trace: Objective.trace(model, loss: loss, on: dataset, freezing: freezing))
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
    return try UpdateRule(
      layout: layout, chain: chain,
      constraints: zip(layout.slots, memory.specifications).map { $1.constraint },
      groups: groups)
  }
}
