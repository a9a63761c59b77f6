/// Which nodes are computed as part of another one.
struct FusionPlan {
  /// Nodes that another node's lowering covers, and which one.
  private var host: [Int: Int] = [:]
  /// The elementwise function that a node applies to its result.
  private(set) var activation:
    [Int: (function: Eltwise, isRectifier: Bool, output: Graph.ValueID)] = [:]
  /// For a batch normalisation: the value of the ReLU behind it.
  private(set) var rectified: [Int: Graph.ValueID] = [:]
  /// For the gradient of such a batch normalisation: the gradient by the ReLU's value, and the
  /// node of the forward pass.
  private(set) var rectifiedGradient: [Int: (gradient: Graph.ValueID, forward: Int)] = [:]

  /// Whether another node's lowering covers this one.
  func isAbsorbed(_ node: Int) -> Bool { host[node] != nil }

  /// The nodes that a node's lowering covers beside itself.
  func absorbed(by node: Int) -> [Int] { host.filter { $0.value == node }.keys.sorted() }

  /// Finds what can be fused among the live nodes of a program.
  init(_ program: Program, live: [Int]) {
    let graph = program.graph
    var consumers: [Graph.ValueID: [Int]] = [:]
    for index in live {
      for input in graph.nodes[index].inputs { consumers[input, default: []].append(index) }
    }
    var wanted = Set((program.scalars + program.outputs).map(\.id))
    wanted.formUnion(program.leaves.compactMap { $0?.value })

    for index in live {
      let node = graph.nodes[index]
      guard let activation = node.operation as? any PostOperation,
        let producer = graph.values[node.inputs[0]].producer,
        consumers[node.inputs[0]]! == [index], !wanted.contains(node.inputs[0])
      else { continue }
      switch graph.nodes[producer].operation {
      case is any AbsorbsPostOperation:
        guard let function = activation.postOperation else { continue }
        self.activation[producer] = (function, activation.isRectifier, node.outputs[0])
        host[index] = producer
      case is any AbsorbsRectifier:
        guard activation.isRectifier, node.inputs[0] == graph.nodes[producer].outputs[0]
        else { continue }
        fuseRectified(
          producer, relu: index, live: live, graph: graph, consumers: consumers, wanted: wanted)
      default: continue
      }
    }
  }

  /// Batch norm and ReLU become one if the same holds for their gradients, or there are none.
  private mutating func fuseRectified(
    _ normalization: Int, relu: Int, live: [Int], graph: Graph,
    consumers: [Graph.ValueID: [Int]], wanted: Set<Graph.ValueID>
  ) {
    let y = graph.nodes[relu].outputs[0]
    let mean = graph.nodes[normalization].outputs[1]
    let gradients = live.filter {
      let node = graph.nodes[$0]
      return node.operation is any AbsorbsRectifierGradient && node.inputs[3] == mean
    }
    let reluGradients = live.filter {
      graph.nodes[$0].operation is any PostOperationGradient && graph.nodes[$0].inputs[1] == y
    }
    switch (gradients.count, reluGradients.count) {
    case (0, 0): break
    case (1, 1):
      let value = graph.nodes[reluGradients[0]].outputs[0]
      guard consumers[value] == gradients, !wanted.contains(value),
        graph.nodes[gradients[0]].inputs[1] == value
      else { return }
      // Its gradient reads the shift once more, which must still be there.
      if let operation = graph.nodes[normalization].operation as? any AbsorbsRectifier,
        operation.rectifiedGradientReadsShift,
        graph.values[graph.nodes[normalization].inputs[2]].producer != nil
      {
        return
      }
      host[reluGradients[0]] = gradients[0]
      rectifiedGradient[gradients[0]] = (graph.nodes[reluGradients[0]].inputs[0], normalization)
    default: return
    }
    rectified[normalization] = y
    host[relu] = normalization
  }
}
