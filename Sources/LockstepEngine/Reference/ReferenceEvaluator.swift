/// Runs a graph in Double by the operations' plain meaning, one after the other.
///
/// It is slow and obviously right: what a plan computes in Float32 and what a reverse rule claims
/// is measured against it.
package struct ReferenceEvaluator {
  /// The values of the graph's leaves, by name.
  package struct Leaves {
    package var inputs: [String: HostTensor]
    package var parameters: [String: HostTensor]
    package var statistics: [String: HostTensor]
    /// A direction in parameter space, by the parameters' names.
    package var vectors: [String: HostTensor]

    package init(
      inputs: [String: HostTensor] = [:], parameters: [String: HostTensor] = [:],
      statistics: [String: HostTensor] = [:], vectors: [String: HostTensor] = [:]
    ) {
      self.inputs = inputs
      self.parameters = parameters
      self.statistics = statistics
      self.vectors = vectors
    }
  }

  package let graph: Graph
  package var context: ReferenceContext

  package init(_ graph: Graph, context: ReferenceContext = ReferenceContext()) {
    self.graph = graph
    self.context = context
  }

  /// The values of `wanted`; only what they depend on is computed.
  ///
  /// Throws ``GraphError`` where the trace failed or a leaf's value is missing or of another shape.
  package func evaluate(
    _ wanted: [Tensor], _ leaves: Leaves
  ) throws(GraphError) -> [HostTensor] {
    try graph.check()
    var needed = [Bool](repeating: false, count: graph.values.count)
    for tensor in wanted { needed[tensor.id] = true }
    for node in graph.nodes.reversed() where node.outputs.contains(where: { needed[$0] }) {
      for input in node.inputs { needed[input] = true }
    }

    var values = [HostTensor?](repeating: nil, count: graph.values.count)
    for (id, leaf) in graph.leaves where needed[id] {
      values[id] = try value(of: leaf, graph.values[id].type.shape, leaves)
    }
    for node in graph.nodes where node.outputs.contains(where: { needed[$0] }) {
      let inputs = node.inputs.map { id in
        guard let value = values[id] else { preconditionFailure("a node precedes its inputs") }
        return value
      }
      let results = node.operation.evaluate(inputs, context)
      precondition(results.count == node.outputs.count, "\(node.operation.name): result count")
      for (id, result) in zip(node.outputs, results) {
        precondition(
          result.shape == graph.values[id].type.shape,
          "\(node.operation.name): evaluated to \(result.shape), inferred \(graph.values[id].type)")
        values[id] = result
      }
    }
    return wanted.map { tensor in
      guard let value = values[tensor.id] else { preconditionFailure("a value without producer") }
      return value
    }
  }

  /// The running statistics after this batch, by name:
  /// (1 − momentum) · running + momentum · scale · observed.
  package func statistics(after leaves: Leaves) throws(GraphError) -> [String: HostTensor] {
    let observed = try evaluate(
      graph.observations.map { Tensor(graph: graph, id: $0.value) }, leaves)
    var statistics = leaves.statistics
    for (observation, value) in zip(graph.observations, observed) {
      let statistic = graph.statistics[observation.statistic]
      guard let running = statistics[statistic.name] else {
        throw GraphError("no value was given for statistic '\(statistic.name)'")
      }
      let momentum = Double(statistic.momentum)
      let news = value.map { momentum * Double(observation.scale) * $0 }
      let kept = running.map { (1 - momentum) * $0 }
      statistics[statistic.name] = HostTensor(
        running.shape, zip(kept.values, news.values).map { $0 + $1 })
    }
    return statistics
  }

  private func value(
    of leaf: Graph.Leaf, _ shape: [Int], _ leaves: Leaves
  ) throws(GraphError) -> HostTensor {
    let (kind, name, value): (String, String, HostTensor?)
    switch leaf {
    case .constant(let constant): return HostTensor(shape, repeating: Double(constant))
    case .input(let input): (kind, name, value) = ("input", input, leaves.inputs[input])
    case .parameter(let index):
      let parameter = graph.parameters[index].name
      (kind, name, value) = ("parameter", parameter, leaves.parameters[parameter])
    case .vector(let index):
      let parameter = graph.parameters[index].name
      (kind, name, value) = ("direction", parameter, leaves.vectors[parameter])
    case .statistic(let index):
      let statistic = graph.statistics[index].name
      (kind, name, value) = ("statistic", statistic, leaves.statistics[statistic])
    }
    guard let value else { throw GraphError("no value was given for \(kind) '\(name)'") }
    try expect(
      value.shape == shape, "\(kind) '\(name)' has shape \(shape), its value \(value.shape)")
    return value
  }
}
