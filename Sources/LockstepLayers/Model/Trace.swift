public import LockstepEngine

/// A model that was called once on a symbolic batch.
public struct Trace {
  /// The record of the call; parameters and statistics are in declaration order.
  public let graph: Graph
  /// The batch's input, named `input`.
  public let input: Tensor
  /// The model's result for ``input``.
  public let output: Tensor
  /// The dotted names of all layers of the model, in declaration order.
  public let layerNames: [String]
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
  guard batchCount > 0, batchCount <= TensorType.largestCount, inputShape.allSatisfy({ $0 > 0 })
  else {
    throw GraphError(
      "a model is traced for \(batchCount) examples of shape \(inputShape); all must be positive")
  }
  let graph = Graph(batchCount: batchCount, training: training, freezing: freezing)
  let walk = LayerWalk(model)
  if let failure = walk.failure { throw GraphError(failure) }
  var ranks: [String: Int] = [:]
  for (index, layer) in walk.layers.enumerated() {
    graph.name(layer.identity, layer.name)
    ranks[layer.name] = index
  }
  let input = graph.input("input", [batchCount] + inputShape, scalar)
  let output = model(input)
  try graph.check()
  guard output.graph === graph else {
    try output.graph.check()
    throw GraphError("the model returns a tensor of another trace than that of its input")
  }
  try freezing.check(graph)
  graph.sortParameters { name in
    // The owner's name is all but the last component.
    let owner = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
    return ranks[owner] ?? ranks.count
  }
  return Trace(
    graph: graph, input: input, output: output, layerNames: walk.layers.map(\.name))
}
