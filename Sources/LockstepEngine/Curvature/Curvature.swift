extension Graph {
  /// A loss of the trace with the part that its curvature comes from: the derivative of the whole
  /// loss by this one, a scalar.
  private struct Part {
    let loss: SummedLoss
    let call: Call
    let factor: Tensor
  }

  /// Extends the graph by the product of the loss's Gauss-Newton matrix and a direction:
  /// G v = Σ Jᵀ H J v, J the Jacobian of predictions by parameters and H the loss's Hessian by the
  /// predictions, which is positive semidefinite for all of ``SummedLoss``.
  ///
  /// - Parameters:
  ///   - loss: the summed loss, a linear combination of losses of predictions.
  ///   - direction: the parameters, and for each its part of v.
  ///   - factor: a scalar c, which adds c Σ Jₛᵀ Jₛ v, Jₛ being the Jacobian of the states of all
  ///     recurrent layers at all positions; nil for none.
  /// - Returns: for each parameter its part of the product; nil stands for zero.
  ///
  /// Source: N. Schraudolph, "Fast curvature matrix-vector products", Neural Computation 14 (2002);
  /// of the damped states J. Martens, I. Sutskever, "Learning recurrent neural networks with
  /// Hessian-free optimization", ICML 2011.
  package func gaussNewtonProduct(
    of loss: Tensor, along direction: [(value: Tensor, movement: Tensor)],
    dampingStates factor: Tensor? = nil
  ) -> [Tensor?] {
    let parts = curvatureParts(of: loss)
    let states = factor == nil ? [] : recurrentStates
    let moving = tangents(of: parts.map { $0.call.inputs[0] } + states, along: direction)
    var seeds: [(value: Tensor, seed: Tensor)] = []
    for (part, tangent) in zip(parts, moving) {
      guard let tangent else { continue }
      let seed = part.loss.curvature(part.call, tangent)
      seeds.append((part.call.inputs[0], scaled(seed, by: part.factor)))
    }
    if let factor {
      for (state, tangent) in zip(states, moving[parts.count...]) {
        if let tangent { seeds.append((state, tangent * factor)) }
      }
    }
    return gradients(from: seeds, by: direction.map(\.value))
  }

  /// The states of all recurrent layers at all positions, [N, T, H] each.
  package var recurrentStates: [Tensor] {
    nodes.filter { $0.operation is Recurrence }.map { Tensor(graph: self, id: $0.outputs[0]) }
  }

  /// Extends the graph by a vector whose square, element by element, has the diagonal of the
  /// Gauss-Newton matrix as its expectation: Jᵀ H^½ u with independent random signs u.
  ///
  /// The signs follow from the run's seed, the step and the example, as dropout masks do. Products
  /// of different examples, and of different positions of one, vanish in expectation, so a sum over
  /// them may be squared.
  ///
  /// Source: O. Chapelle, D. Erhan, "Improved preconditioner for Hessian free optimization", NIPS
  /// 2011 workshop on deep learning.
  ///
  /// - Parameter key: tells one draw from another.
  package func gaussNewtonProbe(
    of loss: Tensor, by wanted: [Tensor], key: UInt32
  ) -> [Tensor?] {
    let parts = curvatureParts(of: loss)
    let seeds = parts.enumerated().map { index, part in
      let predictions = part.call.inputs[0]
      let signs = signs(predictions.shape, key: key &+ UInt32(index))
      let seed = part.loss.curvatureRoot(part.call, signs)
      return (value: predictions, seed: scaled(seed, by: part.factor, root: true))
    }
    return gradients(from: seeds, by: wanted)
  }

  /// Independent random signs. Rows may be examples or their positions: a sign's key is its example's
  /// place in the batch, so that no two examples share signs.
  private func signs(_ shape: [Int], key: UInt32) -> Tensor {
    let count = shape.reduce(1, *)
    let ones = constant(
      1, count.isMultiple(of: batchCount) ? [batchCount, count / batchCount] : shape)
    // Half of all elements 2, half 0; minus one.
    return ones.apply(Dropout(rate: 0.5, key: key)).reshaped(to: shape) - 1
  }

  private func scaled(_ tensor: Tensor, by factor: Tensor, root: Bool = false) -> Tensor {
    if factor.id == constant(1).id { return tensor }
    return tensor * (root ? factor.squareRoot() : factor)
  }

  /// The losses of predictions that a loss is a linear combination of, but for terms that are linear
  /// in predictions: those have no curvature.
  private func curvatureParts(of loss: Tensor) -> [Part] {
    var found: [Int] = []
    var open = [loss.id]
    var seen = Set(nodes.lazy.filter { $0.operation is SummedLoss }.map { $0.inputs[0] })
    let moves = dependents(of: parameters.map { parameter($0).id })
    while let id = open.popLast() {
      guard seen.insert(id).inserted, let index = values[id].producer else { continue }
      let inputs = nodes[index].inputs
      switch nodes[index].operation {
      case is SummedLoss: found.append(index)
      case let binary as Binary where binary.kind == .add || binary.kind == .subtract:
        open += inputs
      case let binary as Binary where binary.kind == .multiply && !inputs.allSatisfy { moves[$0] }:
        open += inputs.filter { moves[$0] }
      case let activation as Activation where activation.isAffine: open += nodes[index].inputs
      case is Reshape, is Sum: open += nodes[index].inputs
      case let other:
        fail(
          "curvature products need a loss that is a sum of losses of predictions, not one that \(other.name) makes"
        )
      }
    }
    found.sort()
    let sums = found.map { Tensor(graph: self, id: nodes[$0].outputs[0]) }
    let factors = gradients(of: loss, by: sums)
    return zip(found, factors).compactMap { index, factor in
      guard let factor, let operation = nodes[index].operation as? SummedLoss else { return nil }
      let call = Call(
        inputs: nodes[index].inputs.map { Tensor(graph: self, id: $0) },
        outputs: nodes[index].outputs.map { Tensor(graph: self, id: $0) },
        needs: nodes[index].inputs.map { _ in false })
      return Part(loss: operation, call: call, factor: factor)
    }
  }
}
