extension Activation {
  /// Whether the function is linear but for a constant.
  var isAffine: Bool { if case .affine = kind { true } else { false } }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    // An elementwise function's Jacobian is diagonal, so both rules are one.
    reverse(call, tangents)
  }
}

extension Dropout {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    // The mask is a function of the position alone.
    [tangents[0]?.apply(self)]
  }
}

extension Binary {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let (a, b) = (call.inputs[0], call.inputs[1])
    let (da, db) = (tangents[0], tangents[1])
    /// The sum of what moves; the second part may be of b's shape.
    func sum(_ first: Tensor?, _ second: Tensor?) -> Tensor? {
      guard let second else { return first }
      return first.map { $0 + second } ?? second.broadcast(to: a.shape)
    }
    switch kind {
    case .add: return [sum(da, db)]
    case .subtract: return [sum(da, db.map { -$0 })]
    case .multiply: return [sum(da.map { $0 * b }, db.map { a * $0 })]
    case .divide:
      return [sum(da.map { $0 / b }, db.map { -(call.outputs[0] * ($0 / b)) })]
    }
  }
}
