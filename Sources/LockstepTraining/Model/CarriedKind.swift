import LockstepEngine

/// A state that a layer of a model carries from batch to batch.
struct CarriedKind: Equatable {
  /// The input of the trace that takes it.
  let name: String
  /// The shape of one stream's state.
  let shape: [Int]

  /// The number of values of one stream's state.
  var size: Int { shape.reduce(1, *) }
}

extension Objective {
  /// The states that layers carry, in the order of their calls.
  var carried: [CarriedKind] {
    let graph = loss.graph
    return graph.carriedStates.map {
      CarriedKind(name: $0.input, shape: Array($0.after.shape.dropFirst()))
    }
  }

  /// What they are behind the batch, in the same order.
  var carriedOutputs: [Tensor] { loss.graph.carriedStates.map(\.after) }
}
