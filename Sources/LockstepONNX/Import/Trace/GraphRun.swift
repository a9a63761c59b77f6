import LockstepEngine

extension GraphTrace {
  /// The graph's result for its inputs.
  ///
  /// - Parameter rule: gives the results of a node.
  /// - Throws: ``GraphError`` that names the node.
  func run(
    _ inputs: [(name: String, tensor: Tensor)], output: String,
    by rule: (OperatorCall) throws(GraphError) -> [ImportedValue]
  ) throws(GraphError) -> Tensor {
    for input in inputs {
      let place = fixedCount == nil ? nil : BatchPlace(axis: 0)
      define(input.name, .tensor(BatchedTensor(input.tensor, place)))
    }
    for (index, node) in imported.graph.nodes.enumerated() where imported.needed[index] {
      graph.scope = node.scope ?? node.name
      defer { graph.scope = "" }
      let results = try rule(OperatorCall(node: node, index: index, trace: self))
      for (name, value) in zip(node.outputs, results) where !name.isEmpty { define(name, value) }
      do throws(GraphError) { try graph.check() } catch {
        throw GraphError("\(node.place): \(error.description)")
      }
    }
    return try tensor(value(named: output), in: nil).tensor
  }
}
