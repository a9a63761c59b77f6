import LockstepEngine

/// The number of values of one example.
func valuesPerExample(_ shape: [Int]) -> Float { Float(shape.dropFirst().reduce(1, *)) }

extension LossValue {
  /// A loss that is a mean over all outputs, from each output's loss [N, …].
  ///
  /// - Parameter weights: one weight an example [N].
  static func mean(_ losses: Tensor, weights: Tensor?) -> LossValue {
    LossValue(
      sum: losses.weighted(by: weights).sum(), weightPerExample: valuesPerExample(losses.shape))
  }
}

extension Tensor {
  /// The values of examples [N, …] times one weight an example [N].
  func weighted(by weights: Tensor?) -> Tensor {
    guard let weights else { return self }
    let spread = [shape[0]] + Array(repeating: 1, count: shape.count - 1)
    return self * weights.reshaped(to: spread)
  }

  /// Weights of examples [N] as weights of the rows of predictions [N, …, C].
  func perPosition(_ shape: [Int]) -> Tensor {
    guard shape.count > 2 else { return self }
    let spread = [shape[0]] + Array(repeating: 1, count: shape.count - 2)
    return reshaped(to: spread).broadcast(to: Array(shape.dropLast())).reshaped(to: [-1])
  }

  /// Fails the trace unless targets have the predictions' type and a condition holds; returns whether
  /// both do.
  func requireTargets(
    _ target: Tensor, of loss: String, _ condition: Bool = true, _ message: String = ""
  ) -> Bool {
    guard !graph.hasFailed else { return false }
    guard target.type == type else {
      graph.fail(
        "\(loss): expects targets of the predictions' shape \(shape), got \(target.type.scalar) "
          + "\(target.shape)")
      return false
    }
    if !condition { graph.fail("\(loss): \(message)") }
    return condition
  }
}

extension LossValue {
  /// What stands for a loss in a trace that has failed.
  static func failed(_ graph: Graph) -> LossValue { LossValue(sum: graph.constant(0)) }
}
