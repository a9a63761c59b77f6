extension Graph {
  /// Extends the graph by the gradients of a scalar.
  ///
  /// - Parameters:
  ///   - scalar: the value to differentiate, of shape [].
  ///   - wanted: the values to differentiate by.
  /// - Returns: for each wanted value d scalar / d value in the value's shape, or nil where the
  ///   scalar does not depend on it.
  package func gradients(of scalar: Tensor, by wanted: [Tensor]) -> [Tensor?] {
    gradients(from: [(scalar, constant(1))], by: wanted)
  }

  /// Extends the graph by the product of a transposed Jacobian and a vector.
  ///
  /// - Parameters:
  ///   - seeds: values, and for each a tensor of its shape: the vector's parts.
  ///   - wanted: the values to differentiate by.
  /// - Returns: for each wanted value Σ (d value / d wanted)ᵀ · seed in the wanted value's shape, or
  ///   nil where no value with a seed depends on it.
  package func gradients(
    from seeds: [(value: Tensor, seed: Tensor)], by wanted: [Tensor]
  ) -> [Tensor?] {
    // Which values depend on a wanted one?
    var depends = [Bool](repeating: false, count: values.count)
    for tensor in wanted { depends[tensor.id] = true }
    for node in nodes where node.inputs.contains(where: { depends[$0] }) {
      for output in node.outputs { depends[output] = true }
    }
    var gradients = [Tensor?](repeating: nil, count: values.count)
    for (value, seed) in seeds where depends[value.id] {
      gradients[value.id] = gradients[value.id].map { $0 + seed } ?? seed
    }
    let last = seeds.compactMap { values[$0.value.id].producer }.max() ?? -1
    for index in stride(from: last, through: 0, by: -1) {
      let node = nodes[index]
      let outputs = node.outputs.map { gradients[$0] }
      guard outputs.contains(where: { $0 != nil }), node.inputs.contains(where: { depends[$0] })
      else { continue }
      scope = node.scope
      let call = Call(
        inputs: node.inputs.map { Tensor(graph: self, id: $0) },
        outputs: node.outputs.map { Tensor(graph: self, id: $0) },
        needs: node.inputs.map { depends[$0] })
      for (input, gradient) in zip(node.inputs, node.operation.reverse(call, outputs)) {
        guard depends[input], let gradient else { continue }
        gradients[input] = gradients[input].map { $0 + gradient } ?? gradient
      }
    }
    scope = ""
    return wanted.map { gradients[$0.id] }
  }
}
