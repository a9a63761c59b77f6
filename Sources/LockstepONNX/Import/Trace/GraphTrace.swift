import LockstepEngine

/// Calls a graph of a file on symbolic tensors, node by node.
///
/// What follows from sizes alone is computed at once; what follows from the inputs or from weights becomes
/// operations of the trace.
final class GraphTrace {
  let imported: ImportedGraph
  let graph: Graph
  /// The number of examples that shapes in the file are for; nil where they are for any number.
  let fixedCount: Int?
  /// Whose mean and variance batch normalisations use in training.
  let isSynchronized: Bool
  /// The version of ONNX's operators that the graph is written with.
  let operatorSet: Int
  private var values: [String: ImportedValue] = [:]
  private var parameters: [String: Tensor] = [:]

  init(
    _ imported: ImportedGraph, _ graph: Graph, operatorSet: Int, fixedCount: Int?,
    isSynchronized: Bool
  ) {
    self.imported = imported
    self.graph = graph
    self.operatorSet = operatorSet
    self.fixedCount = fixedCount
    self.isSynchronized = isSynchronized
    for parameter in imported.parameters {
      parameters[parameter.name] = graph.parameter(
        ParameterSpecification(
          name: parameter.name, shape: parameter.shape,
          initializer: StoredValues(values: parameter.values), layerKind: parameter.kind))
    }
  }

  // MARK: Values

  /// Gives a name its value.
  func define(_ name: String, _ value: ImportedValue) { values[name] = value }

  /// The value of a name.
  func value(named name: String) throws(GraphError) -> ImportedValue {
    if let value = values[name] { return value }
    if let constant = imported.constants[name] { return .constant(constant) }
    throw GraphError(
      "there is no value '\(name)': the file uses it before it is computed, or it is an input that the "
        + "data does not have")
  }

  /// A parameter by its name.
  func parameter(_ name: String) throws(GraphError) -> Tensor {
    guard let tensor = parameters[name] else { throw GraphError("there is no weight '\(name)'") }
    return tensor
  }

  /// A value as a tensor.
  func tensor(
    _ value: ImportedValue, in node: ONNXNode?
  ) throws(GraphError) -> BatchedTensor {
    switch value {
    case .tensor(let tensor): return tensor
    case .turned(let weight): return BatchedTensor(weight.transposed([1, 0]))
    case .product(let x, let weight):
      return BatchedTensor(x.tensor.linear(weight), x.place)
    case .constant(let constant):
      guard constant.isFloat else {
        throw GraphError(
          "integers that are known in advance are computed with numbers that are not: Lockstep has no "
            + "integer arithmetic in models")
      }
      let numbers = constant.floats
      if let first = numbers.first, numbers.allSatisfy({ $0.bitPattern == first.bitPattern }) {
        return BatchedTensor(graph.constant(first, constant.shape))
      }
      return BatchedTensor(graph.constant(numbers, constant.shape))
    case .sequence: throw GraphError("a list of tensors stands where a tensor is wanted")
    }
  }

  /// The lengths of the batch's sequences; nil where all are as long as they can be.
  func readLengths() -> Tensor? {
    graph.sequences?.isRead = true
    return graph.sequences?.lengths
  }

  /// A running statistic of a batch normalisation.
  func statistic(
    _ name: String, momentum: Float
  ) throws(GraphError) -> Tensor {
    guard let statistic = imported.statistics.first(where: { $0.name == name }) else {
      throw GraphError("there is no statistic '\(name)'")
    }
    return graph.statistic(
      StatisticSpecification(
        name: name, shape: [statistic.values.count], initialValues: statistic.values,
        momentum: momentum))
  }
}
