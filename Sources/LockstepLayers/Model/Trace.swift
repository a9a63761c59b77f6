public import LockstepEngine

/// A model that was called once on a symbolic batch.
public struct Trace {
  /// The record of the call; parameters and statistics are in declaration order.
  package let graph: Graph
  /// The batch's inputs, at least one.
  package let inputs: NamedTensors
  /// The model's results, at least one.
  package let outputs: NamedTensors
  /// The dotted names of all layers of the model, in declaration order.
  package let layerNames: [String]

  /// The batch's first input, named `input` where the model takes one.
  package var input: Tensor { inputs.entries[0].tensor }
  /// The model's first result.
  public var output: Tensor { outputs.entries[0].tensor }
}

/// An input that a model is traced for.
package struct TracedInput: Sendable, Equatable {
  /// Its name.
  package let name: String
  /// One example's shape, without the batch axis.
  package let shape: [Int]
  /// The type of its values; Int32 for indices.
  package let scalar: ScalarType

  /// Describes an input: its name, one example's shape, the type of its values.
  package init(_ name: String, _ shape: [Int], _ scalar: ScalarType = .float32) {
    self.name = name
    self.shape = shape
    self.scalar = scalar
  }
}

/// Calls a model on a symbolic batch and records what it does.
///
/// - Parameters:
///   - inputShape: one example's shape, without the batch axis.
///   - batchCount: the number of examples.
///   - training: whether batch statistics and dropout are active.
///   - scalar: the type of the input's values; Int32 for indices.
///   - freezing: what of the model is left as it is.
/// - Throws: ``GraphError``, the first failure of the trace: a shape that does not fit, naming the
///   layer, or a layer that is not reached from the model's properties.
public func trace(
  _ model: any Model, inputShape: [Int], batchCount: Int, training: Bool,
  scalar: ScalarType = .float32, freezing: Freezing = Freezing()
) throws(GraphError) -> Trace {
  try trace(
    SingleInputModel(model), inputs: [TracedInput("input", inputShape, scalar)],
    batchCount: batchCount, training: training, freezing: freezing)
}

/// Calls a model of named inputs and outputs on a symbolic batch and records what it does.
///
/// - Parameters:
///   - inputs: the inputs, at least one, with different names.
///   - batchCount: the number of examples.
///   - training: whether batch statistics and dropout are active.
///   - freezing: what of the model is left as it is.
/// - Throws: ``GraphError``, the first failure of the trace: a shape that does not fit, naming the
///   layer, a layer that is not reached from the model's properties, an input or an output that there
///   is none of.
package func trace(
  _ model: any MultipleInputModel, inputs: [TracedInput], batchCount: Int, training: Bool,
  freezing: Freezing = Freezing()
) throws(GraphError) -> Trace {
  try trace(
    model, inputs: inputs, batchCount: batchCount, training: training, freezing: freezing,
    continuation: .none)
}

/// As the public function.
///
/// - Parameter continuation: what part of a sequence the inputs are.
package func trace(
  _ model: any MultipleInputModel, inputs: [TracedInput], batchCount: Int, training: Bool,
  freezing: Freezing, continuation: Continuation
) throws(GraphError) -> Trace {
  let shapes = inputs.map(\.shape)
  guard batchCount > 0, batchCount <= TensorType.largestCount,
    shapes.allSatisfy({ $0.allSatisfy { $0 > 0 } })
  else {
    let list = shapes.map { "\($0)" }.joined(separator: ", ")
    throw GraphError(
      "a model is traced for \(batchCount) examples of shape \(list); all must be positive")
  }
  guard !inputs.isEmpty, Set(inputs.map(\.name)).count == inputs.count else {
    throw GraphError("a model is traced for one input at least, and each has a name of its own")
  }
  let graph = Graph(
    batchCount: batchCount, training: training, freezing: freezing, continuation: continuation)
  // The wrapper of a simple model is no part of its names.
  let walk = LayerWalk((model as? SingleInputModel)?.parts ?? [("", model)])
  if let failure = walk.failure { throw GraphError(failure) }
  var ranks: [String: Int] = [:]
  for (index, layer) in walk.layers.enumerated() {
    graph.name(layer.identity, layer.name)
    ranks[layer.name] = index
  }
  let tensors = NamedTensors(
    inputs.map { ($0.name, graph.input($0.name, [batchCount] + $0.shape, $0.scalar)) })
  if model is SingleInputModel { graph.sequences = sequences(tensors) }
  let outputs = model(tensors)
  try graph.check()
  try check(outputs, in: graph)
  try freezing.check(graph)
  graph.sortParameters { ranks[LayerName.of($0)] ?? ranks.count }
  return Trace(
    graph: graph, inputs: tensors, outputs: outputs, layerNames: walk.layers.map(\.name))
}

/// The lengths of a batch's sequences, where it has the input of this name; a model of one input reads it
/// through its layers alone.
private func sequences(_ inputs: NamedTensors) -> SequenceLengths? {
  guard let lengths = inputs.find(SequenceLengths.inputName),
    lengths.type == TensorType([lengths.graph.batchCount], .int32),
    let first = inputs.entries.first?.tensor, first.shape.count > 1
  else { return nil }
  return SequenceLengths(lengths, positions: first.shape[1])
}

/// Throws unless a model's outputs are some of the trace, each with a name of its own.
private func check(_ outputs: NamedTensors, in graph: Graph) throws(GraphError) {
  guard !outputs.entries.isEmpty else { throw GraphError("the model returns no output") }
  guard Set(outputs.names).count == outputs.entries.count else {
    throw GraphError("the model returns two outputs of one name: \(outputs.names)")
  }
  for output in outputs.entries where output.tensor.graph !== graph {
    try output.tensor.graph.check()
    throw GraphError("the model returns a tensor of another trace than that of its input")
  }
}
