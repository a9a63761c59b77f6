import LockstepEngine

extension Layer {
  /// Runs a call that takes more than one tensor, as ``callAsFunction(_:)`` runs `forward`: under the layer's
  /// name, and not at all after a failure of the trace.
  func call(on input: Tensor, _ body: (LayerScope) -> Tensor) -> Tensor {
    let graph = input.graph
    guard !graph.hasFailed else { return input }
    let outer = graph.scope
    defer { graph.scope = outer }
    let name = graph.name(of: identity)
    if let name { graph.scope = name }
    return body(LayerScope(graph: graph, name: name, kind: "\(Self.self)"))
  }
}
