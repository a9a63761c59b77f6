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
    try Self.evaluate([Shard(evaluator: self, wanted: wanted, leaves: leaves)])[0]
  }

  /// A shard of a batch: the model traced for its number of examples, and its values.
  package struct Shard {
    package let evaluator: ReferenceEvaluator
    package let wanted: [Tensor]
    package let leaves: Leaves

    package init(evaluator: ReferenceEvaluator, wanted: [Tensor], leaves: Leaves) {
      self.evaluator = evaluator
      self.wanted = wanted
      self.leaves = leaves
    }

    /// Which values of the graph the wanted ones depend on.
    fileprivate var needed: [Bool] {
      let graph = evaluator.graph
      var needed = [Bool](repeating: false, count: graph.values.count)
      for tensor in wanted { needed[tensor.id] = true }
      for node in graph.nodes.reversed() where node.outputs.contains(where: { needed[$0] }) {
        for input in node.inputs { needed[input] = true }
      }
      return needed
    }
  }

  /// The values that are wanted of all shards of a batch, operation by operation over the shards, so
  /// that operations that see all of them can. All shards have one model.
  package static func evaluate(_ shards: [Shard]) throws(GraphError) -> [[HostTensor]] {
    var values: [[HostTensor?]] = []
    var needed: [Bool] = []
    for shard in shards {
      let graph = shard.evaluator.graph
      try graph.check()
      try expect(
        graph.nodes.count == shards[0].evaluator.graph.nodes.count,
        "the shards are traces of different models")
      let isNeeded = shard.needed
      var known = [HostTensor?](repeating: nil, count: graph.values.count)
      for (id, leaf) in graph.leaves where isNeeded[id] {
        known[id] = try shard.evaluator.value(
          of: leaf, graph.values[id].type.shape, shard.leaves)
      }
      values.append(known)
      if needed.isEmpty { needed = isNeeded }
    }
    for index in shards.first.map({ $0.evaluator.graph.nodes.indices }) ?? 0..<0 {
      let outputs = shards[0].evaluator.graph.nodes[index].outputs
      guard outputs.contains(where: { needed[$0] }) else { continue }
      for (shard, results) in try evaluate(node: index, of: shards, values).enumerated() {
        let node = shards[shard].evaluator.graph.nodes[index]
        for (id, result) in zip(node.outputs, results) { values[shard][id] = result }
      }
    }
    return try zip(shards, values).map { shard, values throws(GraphError) in
      try shard.wanted.map { tensor throws(GraphError) in
        guard let value = values[tensor.id] else {
          throw GraphError("internal: a value without producer is wanted")
        }
        return value
      }
    }
  }

  /// Each shard's results of a node.
  private static func evaluate(
    node index: Int, of shards: [Shard], _ values: [[HostTensor?]]
  ) throws(GraphError) -> [[HostTensor]] {
    let nodes = shards.map { $0.evaluator.graph.nodes[index] }
    var inputs: [[HostTensor]] = []
    for (node, known) in zip(nodes, values) {
      let found = node.inputs.compactMap { known[$0] }
      try expect(
        found.count == node.inputs.count,
        "internal: a node precedes its inputs, or the shards want different values")
      inputs.append(found)
    }
    let results: [[HostTensor]]
    if let joint = nodes[0].operation as? any JointReferenceOperation {
      results = joint.evaluate(shards: inputs)
    } else {
      results = try zip(zip(nodes, shards), inputs).map { call, inputs throws(GraphError) in
        try call.0.operation.evaluate(inputs, call.1.evaluator.context)
      }
    }
    for (shard, node) in nodes.enumerated() {
      let types = node.outputs.map { shards[shard].evaluator.graph.values[$0].type }
      do throws(GraphError) { try HostTensor.check(results[shard], against: types) } catch {
        throw GraphError("\(node.operation.name): \(error.description)")
      }
    }
    return results
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
    case .table(let values): return HostTensor(shape, values.map(Double.init))
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
