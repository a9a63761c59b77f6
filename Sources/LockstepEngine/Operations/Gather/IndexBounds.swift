extension Graph {
  /// For each integer input that indexes tables: the number of rows of the smallest one. Values of the input
  /// must lie in 0..<count.
  ///
  /// Inputs are in the order in which the graph met them. An index that is reshaped, transposed or sliced on
  /// its way to the table counts as the input's.
  package var indexBounds: [(input: String, count: Int)] {
    var bounds: [ValueID: Int] = [:]
    for node in nodes where node.operation is GatherRows {
      var index = node.inputs[1]
      while let producer = values[index].producer { index = nodes[producer].inputs[0] }
      bounds[index] = min(bounds[index] ?? .max, values[node.inputs[0]].type.shape[0])
    }
    return leaves.compactMap { id, leaf in
      guard case .input(let name) = leaf, let count = bounds[id] else { return nil }
      return (name, count)
    }
  }
}
