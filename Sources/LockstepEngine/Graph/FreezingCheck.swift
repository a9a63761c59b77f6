extension Freezing {
  /// Throws ``GraphError`` where a pattern holds for nothing in a trace.
  package func check(_ graph: Graph) throws(GraphError) {
    for pattern in parameters {
      let glob = NameGlob(pattern)
      if !graph.parameters.contains(where: { glob.matches($0.name) }) {
        throw GraphError(
          "no parameter fits the pattern '\(pattern)' of parameters to freeze; there are "
            + NameGlob.list(graph.parameters.map(\.name)))
      }
    }
    // The layer of `features.1.running_mean` is `features.1`.
    let layers = graph.statistics.map { statistic in
      statistic.name.lastIndex(of: ".").map { String(statistic.name[..<$0]) } ?? ""
    }
    for pattern in batchNorms {
      let glob = NameGlob(pattern)
      if !layers.contains(where: glob.matches) {
        throw GraphError(
          "no batch normalisation fits the pattern '\(pattern)' of those to freeze; there are "
            + NameGlob.list(layers))
      }
    }
  }
}
