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
    try checkUnfreezing(graph.parameters.map(\.name))
    // The layer of `features.1.running_mean` is `features.1`. Vectors of power iteration are none of theirs.
    let layers = graph.statistics.map(\.name).filter { !LayerName.isSingularVector($0) }
      .map { name in name.lastIndex(of: ".").map { String(name[..<$0]) } ?? "" }
    for pattern in batchNorms {
      let glob = NameGlob(pattern)
      if !layers.contains(where: glob.matches) {
        throw GraphError(
          "no batch normalisation fits the pattern '\(pattern)' of those to freeze; there are "
            + NameGlob.list(layers))
      }
    }
  }

  /// Throws ``GraphError`` where what is to begin to move is not frozen, or moves from the first step on.
  private func checkUnfreezing(_ names: [String]) throws(GraphError) {
    let frozen = names.filter(holds)
    for stage in unfreezing {
      switch stage.moment {
      case .epoch(let number) where number < 2, .step(let number) where number < 2:
        throw GraphError(
          "parameters to unfreeze begin to move at \(stage.moment.text), which must be 2 at the least: "
            + "those that move from the first step on are not frozen")
      default: break
      }
      for pattern in stage.parameters {
        let glob = NameGlob(pattern)
        if frozen.contains(where: glob.matches) { continue }
        let reason =
          names.contains(where: glob.matches)
          ? "the pattern '\(pattern)' of parameters to unfreeze fits none that is frozen; frozen are "
          : "no parameter fits the pattern '\(pattern)' of parameters to unfreeze; frozen are "
        throw GraphError(reason + (frozen.isEmpty ? "none" : NameGlob.list(frozen)))
      }
    }
  }
}

extension Unfreezing.Moment {
  /// The moment in words.
  package var text: String {
    switch self {
    case .epoch(let epoch): "epoch \(epoch)"
    case .step(let step): "step \(step)"
    }
  }
}
