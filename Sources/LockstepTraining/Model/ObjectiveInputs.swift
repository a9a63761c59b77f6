import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// What an objective asks of a data set: found once a trace, so that no batch is copied to where it
/// does not fit.
struct ObjectiveInputs {
  private let inputs: [(name: String, type: TensorType)]
  private let count: Int

  /// The inputs of a traced objective.
  ///
  /// - Parameter count: the number of examples that it was to be traced for.
  /// - Throws: ``GraphError`` where the objective is no trace for so many examples, or where its
  ///   numbers make no sense.
  init(_ objective: Objective, count: Int) throws(GraphError) {
    let graph = objective.loss.graph
    try graph.check()
    guard graph.batchCount == count else {
      throw GraphError(
        "the objective was traced for \(graph.batchCount) examples where \(count) were asked for")
    }
    guard objective.weightPerExample > 0, objective.weightPerExample.isFinite else {
      throw GraphError(
        "the weight of an example is \(objective.weightPerExample); it must be positive and finite")
    }
    guard ([objective.output] + objective.metrics.map(\.sum)).allSatisfy({ $0.graph === graph })
    else {
      throw GraphError("the objective's output or a metric is a tensor of another trace")
    }
    self.count = count
    inputs = graph.inputs
  }

  /// Throws ``GraphError`` where a data set cannot fill the inputs: one of another shape or type than its
  /// examples have, or one that nothing fills.
  ///
  /// - Parameter classes: how many classes the model tells apart; nil where that is not known.
  func check(fillableBy dataset: Dataset, classes: Int? = nil) throws(GraphError) {
    for (name, type) in inputs {
      switch name {
      case Objective.Input.examples: try checkExamples(type, dataset)
      case Objective.Input.labels: try checkLabels(type, dataset, classes)
      case Distillation.teacherInput: break  // held against the teacher when there is one
      default:
        throw GraphError(
          "the model asks for an input '\(name)', which nothing fills: the data set '\(dataset.name)' "
            + "has '\(Objective.Input.examples)' and '\(Objective.Input.labels)'")
      }
    }
  }

  private func checkExamples(_ type: TensorType, _ dataset: Dataset) throws(GraphError) {
    guard type == TensorType([count] + dataset.inputShape) else {
      throw GraphError(
        "the model takes inputs \(type.scalar) \(Self.example(type)), and an example of "
          + "'\(dataset.name)' is float32 \(dataset.inputShape)")
    }
  }

  private func checkLabels(
    _ type: TensorType, _ dataset: Dataset, _ known: Int?
  ) throws(GraphError) {
    switch dataset.labels {
    case .classes(_, let classes):
      guard type == TensorType([count], .int32) else {
        throw GraphError(
          "the loss takes labels \(type.scalar) \(Self.example(type)), and an example of "
            + "'\(dataset.name)' has a class")
      }
      if let known, classes > known {
        throw GraphError(
          "the model was made for \(known) classes, and '\(dataset.name)' has \(classes)")
      }
    case .targets(_, let width):
      guard type.scalar == .float32, type.shape.first == count, type.count == count * width else {
        throw GraphError(
          "the loss takes labels \(type.scalar) \(Self.example(type)), and an example of "
            + "'\(dataset.name)' has \(width) target value\(width == 1 ? "" : "s")")
      }
    }
  }

  /// One example's shape.
  private static func example(_ type: TensorType) -> [Int] { Array(type.shape.dropFirst()) }
}
