extension Reshape {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Transpose {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Broadcast {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Slice {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Sum {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self)]
  }
}

extension Concatenate {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let parts = zip(call.inputs, tangents).map { input, tangent in
      tangent ?? input.graph.constant(0, input.shape)
    }
    return parts[0].graph.apply(self, parts)
  }
}
