extension Program {
  /// A program whose leaf is the product of the loss's Gauss-Newton matrix and a direction, in the
  /// layout of the leaf of gradients; statistics are zero.
  ///
  /// - Parameters:
  ///   - factor: the name of a scalar input, the factor of the states' damping; nil for none.
  ///   - scalars: what is read out beside it.
  package init(
    gaussNewtonOf loss: Tensor, dampingStatesBy factor: String? = nil, scalars: [Tensor] = []
  ) throws(GraphError) {
    try self.init(loss, scalars) { graph, parameters in
      let trainable = graph.parameters.indices.filter { graph.parameters[$0].trainable }
      return graph.gaussNewtonProduct(
        of: loss, along: zip(parameters, trainable).map { ($0, graph.vector(of: $1)) },
        dampingStates: factor.map { graph.input($0, []) })
    }
  }

  /// A program whose leaf, squared, has the diagonal of the loss's Gauss-Newton matrix as its
  /// expectation.
  ///
  /// - Parameters:
  ///   - key: tells one draw of the random signs from another.
  ///   - scalars: what is read out beside it.
  package init(
    gaussNewtonProbeOf loss: Tensor, key: UInt32, scalars: [Tensor] = []
  ) throws(GraphError) {
    try self.init(loss, scalars) { graph, parameters in
      graph.gaussNewtonProbe(of: loss, by: parameters, key: key)
    }
  }

  private init(
    _ loss: Tensor, _ scalars: [Tensor], _ make: (Graph, [Tensor]) -> [Tensor?]
  ) throws(GraphError) {
    let graph = loss.graph
    try graph.check()
    let trainable = graph.parameters.filter(\.trainable)
    let values = make(graph, trainable.map(graph.parameter))
    let observed = graph.statistics.indices.filter { index in
      graph.observations.contains { $0.statistic == index }
    }
    try self.init(
      graph, scalars: scalars, outputs: [],
      leaves: values.map { $0.map { LeafSource(value: $0.id, scale: 1) } }
        + observed.map { _ in nil },
      slots: trainable.map { ($0.name, $0.shape) }
        + observed.map { (graph.statistics[$0].name, graph.statistics[$0].shape) },
      gradients: trainable.count)
  }
}
