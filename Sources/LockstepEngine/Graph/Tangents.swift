extension Graph {
  /// Extends the graph by derivatives along a direction: the product of a Jacobian and a vector.
  ///
  /// - Parameters:
  ///   - wanted: the values whose derivatives are wanted.
  ///   - direction: values that move, and for each how: a tensor of its shape.
  /// - Returns: for each wanted value Σ (d wanted / d value) · movement in the wanted value's shape,
  ///   or nil where it does not depend on a value that moves.
  ///
  /// The trace fails where an operation on the way has no forward rule.
  package func tangents(
    of wanted: [Tensor], along direction: [(value: Tensor, movement: Tensor)]
  ) -> [Tensor?] {
    // The nodes that the wanted values need.
    let count = nodes.count
    var needed = [Bool](repeating: false, count: values.count)
    for tensor in wanted { needed[tensor.id] = true }
    for node in nodes.reversed() where node.outputs.contains(where: { needed[$0] }) {
      for input in node.inputs { needed[input] = true }
    }

    var tangents = [Tensor?](repeating: nil, count: values.count)
    for (value, movement) in direction {
      if movement.shape != value.shape {
        fail("a direction of shape \(movement.shape) for a value of shape \(value.shape)")
      }
      tangents[value.id] = movement
    }
    for index in 0..<count {
      let node = nodes[index]
      let moving = node.inputs.map { tangents[$0] }
      guard node.outputs.contains(where: { needed[$0] }), moving.contains(where: { $0 != nil })
      else { continue }
      scope = node.scope
      let call = Call(
        inputs: node.inputs.map { Tensor(graph: self, id: $0) },
        outputs: node.outputs.map { Tensor(graph: self, id: $0) },
        needs: moving.map { $0 != nil })
      guard let results = node.operation.tangent(call, moving) else {
        fail("\(node.operation.name) has no tangent rule, so curvature products cannot pass it")
        break
      }
      for (output, result) in zip(node.outputs, results) {
        // A value that was given a movement keeps it.
        if let result, tangents[output] == nil { tangents[output] = result }
      }
    }
    scope = ""
    return wanted.map { tangents[$0.id] }
  }
}
