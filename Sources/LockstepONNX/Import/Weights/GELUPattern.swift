import LockstepEngine

extension ONNXGraph {
  /// The graph with `Gelu` in the place of the operators that older operator sets write it in:
  /// x / √2, `Erf`, plus 1, times x, half of it.
  var withGELU: ONNXGraph {
    guard nodes.contains(where: { $0.type == "Erf" }) else { return self }
    var result = self
    let finder = GELUFinder(self)
    for node in nodes where node.type == "Erf" {
      guard let found = finder.find(erf: node) else { continue }
      result.nodes[found.last] = ONNXNode(
        "Gelu", name: nodes[found.last].name, inputs: [found.input],
        outputs: nodes[found.last].outputs)
      result.nodes[found.last].scope = node.scope
    }
    return result
  }
}

/// Looks for the operators around an error function that make a GELU of it.
private struct GELUFinder {
  let graph: ONNXGraph
  private var constants: [String: Float] = [:]
  private var producers: [String: Int] = [:]
  private var consumers: [String: [Int]] = [:]

  init(_ graph: ONNXGraph) {
    self.graph = graph
    for initializer in graph.initializers where initializer.tensor.count == 1 {
      constants[initializer.name] = initializer.tensor.floats[0]
    }
    for (index, node) in graph.nodes.enumerated() {
      if node.type == "Constant", case .tensor(let tensor)? = node["value"], tensor.count == 1 {
        constants[node.outputs[0]] = tensor.floats[0]
      }
      for output in node.outputs { producers[output] = index }
      for input in Set(node.inputs) { consumers[input, default: []].append(index) }
    }
  }

  /// The value that a GELU is computed of, and the node that gives its result; nil where it is none.
  func find(erf: ONNXNode) -> (input: String, last: Int)? {
    guard let scaling = producers[erf.inputs[0]].map({ graph.nodes[$0] }),
      let (x, factor) = scaled(scaling), abs(factor - Float(0.5).squareRoot()) < 1e-4,
      let sum = only(erf.outputs[0]), graph.nodes[sum].type == "Add",
      other(graph.nodes[sum], than: erf.outputs[0]).flatMap({ constants[$0] }) == 1
    else { return nil }
    // (1 + erf) · x · 0.5, in one of the orders.
    var (value, last) = (graph.nodes[sum].outputs[0], sum)
    var missing = Set(["x", "half"])
    while !missing.isEmpty {
      guard let next = only(value), graph.nodes[next].type == "Mul",
        let factor = other(graph.nodes[next], than: value)
      else { return nil }
      if factor == x {
        missing.remove("x")
      } else if constants[factor] == 0.5 {
        missing.remove("half")
      } else if let half = producers[factor].flatMap({ scaled(graph.nodes[$0]) }),
        half.value == x, half.factor == 0.5
      {
        missing = []
      } else {
        return nil
      }
      (value, last) = (graph.nodes[next].outputs[0], next)
    }
    return (x, last)
  }

  /// The only node that uses a value.
  private func only(_ value: String) -> Int? {
    guard let nodes = consumers[value], nodes.count == 1 else { return nil }
    return nodes[0]
  }

  private func other(_ node: ONNXNode, than value: String) -> String? {
    node.inputs.count == 2 ? node.inputs.first { $0 != value } : nil
  }

  /// A value and the number that a node multiplies it by.
  private func scaled(_ node: ONNXNode) -> (value: String, factor: Float)? {
    guard node.inputs.count == 2 else { return nil }
    if node.type == "Div", let divisor = constants[node.inputs[1]] {
      return (node.inputs[0], 1 / divisor)
    }
    guard node.type == "Mul" else { return nil }
    for (index, input) in node.inputs.enumerated() {
      if let factor = constants[input] { return (node.inputs[1 - index], factor) }
    }
    return nil
  }
}
