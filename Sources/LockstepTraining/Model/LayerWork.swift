import LockstepEngine

/// What a layer of a model makes of one example.
package struct LayerWork: Sendable, Equatable {
  /// The dotted name; empty for operations outside of layers.
  package let name: String
  /// The shape of its last result for a batch of one example.
  package fileprivate(set) var shape: [Int]
  /// The number of values of its parameters.
  package fileprivate(set) var parameters: Int
  /// Multiplications with an addition of the forward pass.
  package fileprivate(set) var multiplyAdds: Int
}

extension ModelSource {
  /// The layers of the model in the order of their first operation, the loss left out.
  ///
  /// - Throws: `GraphError`.
  package func layerWork() throws -> [LayerWork] {
    let objective = try model.trace(1, false)
    let graph = objective.outputs.entries[0].tensor.graph
    let last =
      objective.outputs.entries.compactMap { graph.values[$0.tensor.id].producer }.max() ?? -1
    var rows: [LayerWork] = []
    func row(_ name: String) -> Int {
      if let index = rows.firstIndex(where: { $0.name == name }) { return index }
      rows.append(LayerWork(name: name, shape: [], parameters: 0, multiplyAdds: 0))
      return rows.count - 1
    }
    for node in graph.nodes[...last] {
      let index = row(node.scope)
      let outputs = node.outputs.map { graph.values[$0].type }
      rows[index].multiplyAdds += node.operation.multiplyAdds(
        node.inputs.map { graph.values[$0].type }, outputs)
      rows[index].shape = outputs[0].shape
    }
    for parameter in graph.parameters {
      rows[row(LayerName.of(parameter.name))].parameters += parameter.shape.reduce(1, *)
    }
    return rows
  }
}
