import LockstepEngine

/// The activation that a model ends in.
package enum FinalActivation: Sendable {
  case softmax
  case sigmoid
  /// One whose results are never negative.
  case nonNegative
  /// One whose results lie between −1 and 1.
  case tanh
}

extension ModelSource {
  /// The activation that makes the model's output, changes of its shape passed over; nil where it is
  /// none of those told apart.
  package func finalActivation() throws -> FinalActivation? {
    let output = try model.trace(2, false).output
    let graph = output.graph
    var id = output.id
    while let producer = graph.values[id].producer {
      let node = graph.nodes[producer]
      switch node.operation {
      case is Reshape, is Transpose: id = node.inputs[0]
      case is Softmax: return .softmax
      case let activation as Activation: return FinalActivation(activation.kind)
      default: return nil
      }
    }
    return nil
  }
}

extension FinalActivation {
  fileprivate init?(_ kind: Activation.Kind) {
    switch kind {
    case .sigmoid: self = .sigmoid
    case .tanh: self = .tanh
    case .relu(slope: 0), .softplus, .exp, .square, .squareRoot, .absolute: self = .nonNegative
    default: return nil
    }
  }
}
