extension SummedLoss {
  /// H ẋ, the loss's Hessian by the predictions applied to a movement of them. It does not depend
  /// on the targets.
  func curvature(_ call: Call, _ movement: Tensor) -> Tensor {
    let x = call.inputs[0]
    switch kind {
    case .softmaxCrossEntropy, .distillation:
      // diag(p) − p pᵀ, the Jacobian of the softmax; T² of a distillation cancels.
      let p = softened(x).softmax()
      return weighted(call, p * (movement - (movement * p).sum([1], keepDimensions: true)))
    case .binaryCrossEntropy:
      let p = x.sigmoid()
      return weighted(call, movement * (p - p * p))
    case .squaredError: return weighted(call, movement * 2)
    }
  }

  /// B u with B Bᵀ the Hessian by the predictions.
  func curvatureRoot(_ call: Call, _ u: Tensor) -> Tensor {
    let x = call.inputs[0]
    switch kind {
    case .softmaxCrossEntropy, .distillation:
      // diag(√p) − p √pᵀ
      let p = softened(x).softmax()
      let spread = p.squareRoot() * u
      return weighted(call, spread - p * spread.sum([1], keepDimensions: true), root: true)
    case .binaryCrossEntropy:
      let p = x.sigmoid()
      return weighted(call, u * (p - p * p).squareRoot(), root: true)
    case .squaredError: return weighted(call, u * Float(2).squareRoot(), root: true)
    }
  }

  private func softened(_ x: Tensor) -> Tensor {
    if case .distillation(let temperature) = kind { x / temperature } else { x }
  }

  /// Multiplies examples by their weights, where there are any, or by the roots of these.
  private func weighted(_ call: Call, _ tensor: Tensor, root: Bool = false) -> Tensor {
    guard call.inputs.count > 2 else { return tensor }
    let weights = root ? call.inputs[2].squareRoot() : call.inputs[2]
    let spread = [tensor.shape[0]] + Array(repeating: 1, count: tensor.shape.count - 1)
    return tensor * weights.reshaped(to: spread)
  }
}
