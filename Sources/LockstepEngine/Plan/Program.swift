/// What is to be computed from a graph: the inputs, and the values that are wanted.
///
/// A training program leaves a leaf of the fold: the gradients of the summed loss by all trainable
/// parameters, then the observed statistics, in the order of ``leafLayout``.
package struct Program {
  package let graph: Graph
  /// Scalars to read out: the summed loss, the weight, metrics.
  package let scalars: [Tensor]
  /// Tensors to read out in row-major layout, predictions say.
  package let outputs: [Tensor]
  /// For each slot of ``leafLayout`` the value that fills it; nil stands for zeros.
  private(set) var leaves: [LeafSource?]
  /// Gradients of trainable parameters in declaration order, then observed statistics.
  package let leafLayout: FlatLayout
  /// The trainable parameters in declaration order, then the frozen ones: a trainable parameter
  /// lies where its gradient lies in ``leafLayout``.
  package let parameterLayout: FlatLayout
  /// For each parameter of the graph its slot in ``parameterLayout``.
  let parameterSlots: [Int]
  /// All running statistics in declaration order.
  package let statisticLayout: FlatLayout
  /// The number of leading slots of ``leafLayout`` that are gradients.
  package let gradientCount: Int
  /// The number of leading nodes of the graph that are not there for gradients.
  private(set) var forwardNodeCount: Int

  struct LeafSource {
    let value: Graph.ValueID
    /// The value is multiplied by this.
    let scale: Float
  }

  /// A program that evaluates without gradients.
  package init(evaluating graph: Graph, scalars: [Tensor], outputs: [Tensor]) throws(GraphError) {
    try self.init(graph, scalars: scalars, outputs: outputs, leaves: [], slots: [], gradients: 0)
  }

  /// A program that also differentiates `loss` by all trainable parameters and observes
  /// statistics. A statistic's leaf is its observation times the number of examples.
  package init(
    differentiating loss: Tensor, scalars: [Tensor], outputs: [Tensor] = []
  ) throws(GraphError) {
    try self.init(differentiating: loss, scalars: scalars, outputs: outputs) { ($0, []) }
  }

  /// The same with other gradients in the place of those of the loss.
  ///
  /// - Parameter change: gets the gradients, and gives those that are wanted, with further outputs.
  init(
    differentiating loss: Tensor, scalars: [Tensor], outputs: [Tensor],
    change: ([Tensor?]) throws(GraphError) -> (gradients: [Tensor?], outputs: [Tensor])
  ) throws(GraphError) {
    let graph = loss.graph
    try graph.check()
    try Self.check(scalars + outputs, belongTo: graph)
    guard loss.shape.isEmpty else {
      throw GraphError("the loss must be a scalar, got shape \(loss.shape)")
    }
    let trainable = graph.parameters.filter(\.trainable).map(graph.parameter)
    let forwardNodes = graph.nodes.count
    let (gradients, more) = try change(graph.gradients(of: loss, by: trainable))
    var leaves = gradients.map { $0.map { LeafSource(value: $0.id, scale: 1) } }
    var slots = graph.parameters.filter(\.trainable).map { (name: $0.name, shape: $0.shape) }
    for (index, statistic) in graph.statistics.enumerated() {
      let observed = graph.observations.filter { $0.statistic == index }
      guard let observation = observed.first else { continue }
      guard observed.count == 1 else {
        throw GraphError("statistic '\(statistic.name)' is observed \(observed.count) times a step")
      }
      leaves.append(
        LeafSource(
          value: observation.value, scale: observation.scale * Float(graph.batchCount)))
      slots.append((name: statistic.name, shape: statistic.shape))
    }
    try self.init(
      graph, scalars: scalars, outputs: outputs + more, leaves: leaves, slots: slots,
      gradients: trainable.count)
    forwardNodeCount = forwardNodes
  }

  init(
    _ graph: Graph, scalars: [Tensor], outputs: [Tensor], leaves: [LeafSource?],
    slots: [(name: String, shape: [Int])], gradients: Int
  ) throws(GraphError) {
    try graph.check()
    try Self.check(scalars + outputs, belongTo: graph)
    for scalar in scalars where !scalar.shape.isEmpty {
      throw GraphError("a scalar is wanted, got shape \(scalar.shape)")
    }
    self.graph = graph
    self.scalars = scalars
    self.outputs = outputs
    self.leaves = leaves
    let specifications = graph.parameters
    let roles = graph.parameterRoles(before: scalars.first.map { [$0] } ?? outputs)
    let heads = graph.headRows()
    let trained = specifications.indices.filter { specifications[$0].trainable }.prefix(gradients)
    leafLayout = FlatLayout(
      slots, constraints: trained.map { specifications[$0].constraint },
      roles: trained.map { roles[$0] }, heads: trained.map { heads[$0] })
    let order =
      graph.parameters.indices.filter { graph.parameters[$0].trainable }
      + graph.parameters.indices.filter { !graph.parameters[$0].trainable }
    parameterLayout = FlatLayout(
      order.map { (specifications[$0].name, specifications[$0].shape) },
      constraints: order.map { specifications[$0].constraint }, roles: order.map { roles[$0] },
      heads: order.map { heads[$0] })
    var parameterSlots = order
    for (slot, parameter) in order.enumerated() { parameterSlots[parameter] = slot }
    self.parameterSlots = parameterSlots
    statisticLayout = FlatLayout(graph.statistics.map { ($0.name, $0.shape) })
    gradientCount = gradients
    forwardNodeCount = graph.nodes.count
  }

  /// Throws unless what is to be read out is of the trace.
  private static func check(_ tensors: [Tensor], belongTo graph: Graph) throws(GraphError) {
    guard tensors.allSatisfy({ $0.graph === graph }) else {
      throw GraphError(
        "what is to be read out, a metric or an output, is a tensor of another trace")
    }
  }

  /// The same program without some of its gradients, which nothing is computed for: its leaf has the same
  /// places, and those stay empty.
  package func omitting(gradients slots: [Int]) -> Program {
    var program = self
    for slot in slots { program.leaves[slot] = nil }
    return program
  }

  /// Where a run of the program must see all shards, in order.
  package var synchronizations: [SynchronizationPoint] {
    liveNodes().compactMap { index in
      let node = graph.nodes[index]
      return (node.operation as? any SynchronizedOperation)?.synchronization(
        graph.values[node.inputs[0]].type, layer: node.scope)
    }
  }

  /// The nodes that the wanted values need, in order.
  func liveNodes() -> [Int] {
    var needed = [Bool](repeating: false, count: graph.values.count)
    for tensor in scalars + outputs { needed[tensor.id] = true }
    for leaf in leaves { if let leaf { needed[leaf.value] = true } }
    var live: [Int] = []
    for index in graph.nodes.indices.reversed() {
      let node = graph.nodes[index]
      guard node.outputs.contains(where: { needed[$0] }) else { continue }
      live.append(index)
      for input in node.inputs { needed[input] = true }
    }
    return live.reversed()
  }
}
