extension SummedLoss {
  /// ⟨∂loss/∂x, ẋ⟩. Targets and weights do not move.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard tangents.dropFirst().allSatisfy({ $0 == nil }), let dx = tangents[0] else { return nil }
    let graph = dx.graph
    let gradient = graph.apply(
      SummedLossGradient(kind: kind), [graph.constant(1)] + call.inputs)[0]
    return [(gradient * dx).sum()]
  }
}

extension CorrectCount {
  /// A count is constant almost everywhere.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }
}
