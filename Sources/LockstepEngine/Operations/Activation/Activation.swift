/// An elementwise function of one tensor.
package struct Activation: Operation {
  /// The function.
  package enum Kind: Sendable, Equatable {
    /// max(x, 0) + slope · min(x, 0)
    case relu(slope: Float)
    /// 1 / (1 + e⁻ˣ)
    case sigmoid
    case tanh
    /// x · Φ(x), Φ the normal distribution function
    case gelu
    /// x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), near the one above
    case geluTanh
    /// x · sigmoid(x)
    case silu
    /// log(1 + eˣ)
    case softplus
    /// x for x > 0, alpha · (eˣ − 1) elsewhere
    case elu(alpha: Float)
    case exp
    case log
    case squareRoot
    case square
    case absolute
    /// scale · x + shift
    case affine(scale: Float, shift: Float)

    /// Whether the derivative is computed from the result instead of the argument, which lets the
    /// function be fused into the operation before it.
    package var derivesFromOutput: Bool {
      switch self {
      case .relu(let slope): slope >= 0
      case .sigmoid, .tanh, .exp, .squareRoot: true
      case .elu(let alpha): alpha >= 0
      default: false
      }
    }
  }

  package let kind: Kind

  package var name: String { "activation \(kind)" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(inputs[0].scalar == .float32, "expects Float32 values")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    if case .affine(let scale, _) = kind {
      return [scale == 1 ? dy : dy.apply(Activation(kind: .affine(scale: scale, shift: 0)))]
    }
    let known = kind.derivesFromOutput ? call.outputs[0] : call.inputs[0]
    return [dy.apply(ActivationGradient(kind: kind), known)]
  }
}

/// dx = dy · f′, from dy and what `kind` derives from: y or x.
package struct ActivationGradient: Operation {
  package let kind: Activation.Kind

  package var name: String { "gradient of activation \(kind)" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape == inputs[1].shape, "shapes \(inputs[0].shape), \(inputs[1].shape) differ")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
}

extension Tensor {
  private func activation(_ kind: Activation.Kind) -> Tensor { apply(Activation(kind: kind)) }

  /// max(x, 0), or with a slope s: max(x, 0) + s · min(x, 0).
  public func relu(slope: Float = 0) -> Tensor { activation(.relu(slope: slope)) }
  /// 1 / (1 + e⁻ˣ).
  public func sigmoid() -> Tensor { activation(.sigmoid) }
  /// The hyperbolic tangent.
  public func tanh() -> Tensor { activation(.tanh) }
  /// x · Φ(x) with the exact normal distribution function (PyTorch's default).
  public func gelu() -> Tensor { activation(.gelu) }
  /// x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): PyTorch's `gelu` with `approximate='tanh'`, GPT-2's
  /// "gelu_new".
  public func geluTanh() -> Tensor { activation(.geluTanh) }
  /// x · sigmoid(x), also called swish.
  public func silu() -> Tensor { activation(.silu) }
  /// log(1 + eˣ).
  public func softplus() -> Tensor { activation(.softplus) }
  /// x for x > 0, alpha · (eˣ − 1) elsewhere.
  public func elu(alpha: Float = 1) -> Tensor { activation(.elu(alpha: alpha)) }
  /// eˣ.
  public func exp() -> Tensor { activation(.exp) }
  /// The natural logarithm.
  public func log() -> Tensor { activation(.log) }
  /// √x.
  public func squareRoot() -> Tensor { activation(.squareRoot) }
  /// x².
  public func square() -> Tensor { activation(.square) }
  /// |x|.
  public func absolute() -> Tensor { activation(.absolute) }
  /// scale · x + shift.
  public func affine(scale: Float, shift: Float) -> Tensor {
    activation(.affine(scale: scale, shift: shift))
  }
}

extension Activation {
  /// Whether the function is linear but for a constant.
  var isAffine: Bool { if case .affine = kind { true } else { false } }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    // An elementwise function's Jacobian is diagonal, so both rules are one.
    reverse(call, tangents)
  }
}
