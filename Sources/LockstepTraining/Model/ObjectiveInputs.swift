import LockstepDatasets
import LockstepEngine
import LockstepLayers

/// What an objective asks of a source of examples: found once a trace, so that no batch is copied to
/// where it does not fit.
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
    let tensors = objective.scalars + objective.outputs.entries.map(\.tensor)
    guard tensors.allSatisfy({ $0.graph === graph }) else {
      throw GraphError("the objective's output or a metric is a tensor of another trace")
    }
    self.count = count
    // Carried states come from the batch before.
    let carried = Set(graph.carriedStates.map(\.input))
    inputs = graph.inputs.filter { !carried.contains($0.name) }
  }

  /// Throws ``GraphError`` where a source cannot fill the inputs: one of another shape or type than its
  /// examples have, or one that nothing fills.
  ///
  /// - Parameter classes: how many classes the model tells apart; nil where that is not known.
  func check(fillableBy source: any ExampleSource, classes: Int? = nil) throws(GraphError) {
    let (inputFields, labelFields) = (source.inputFields, source.labelFields)
    for (name, type) in inputs {
      if let field = inputFields.first(where: { $0.name == name }) {
        try check(type, field, source)
      } else if let field = labelFields.first(where: { $0.name == name }) {
        try check(label: type, field, source, field == labelFields.first ? classes : nil)
      } else if ![Distillation.teacherInput, MixedLabels.labelInput, MixedLabels.shareInput]
        .contains(
          name)
      {
        // What a teacher knows is held against the teacher when there is one.
        let known = source.fields.map { "'\($0.name)'" }
        throw GraphError(
          "the model asks for an input '\(name)', which nothing fills: the data set '\(source.name)' "
            + "has \(known.dropLast().joined(separator: ", "))\(known.count > 1 ? " and " : "")"
            + (known.last ?? ""))
      }
    }
  }

  private func check(
    _ type: TensorType, _ field: ExampleField, _ source: any ExampleSource
  ) throws(GraphError) {
    guard type == field.type(count) else {
      let which = source.inputFields.count == 1 ? "inputs" : "'\(field.name)' as"
      throw GraphError(
        "the model takes \(which) \(type.scalar) \(Self.example(type)), and an example of "
          + "'\(source.name)' is \(field.type(count).scalar) \(field.shape)")
    }
  }

  private func check(
    label type: TensorType, _ field: ExampleField, _ source: any ExampleSource, _ known: Int?
  ) throws(GraphError) {
    // Numbers may have any shape that holds as many.
    let fits =
      field.isInteger
      ? type == field.type(count)
      : type.scalar == .float32 && type.shape.first == count && type.count == count * field.size
    guard fits else {
      throw GraphError(
        "the loss takes labels \(type.scalar) \(Self.example(type)), and an example of "
          + "'\(source.name)' has \(field.asLabel)")
    }
    if let known, let limit = field.limit, limit > known {
      throw GraphError(
        "the model was made for \(known) classes, and '\(source.name)' has \(limit)")
    }
  }

  /// One example's shape.
  private static func example(_ type: TensorType) -> [Int] { Array(type.shape.dropFirst()) }
}

extension ExampleField {
  /// The tensor of so many examples.
  func type(_ count: Int) -> TensorType {
    TensorType([count] + shape, isInteger ? .int32 : .float32)
  }

  /// What an example has of it, in words.
  var asLabel: String {
    if !isInteger { return "\(size) target value\(size == 1 ? "" : "s")" }
    return shape.isEmpty ? "a class" : "integers of shape \(shape)"
  }
}
