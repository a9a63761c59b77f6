import LockstepPlatform

extension Activation {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].map { value(of: kind, at: $0) }]
  }
}

extension ActivationGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (dy, known) = (inputs[0], inputs[1])
    return [
      HostTensor(
        dy.shape, zip(dy.values, known.values).map { $0 * derivative(of: kind, from: $1) })
    ]
  }
}

/// f(x).
private func value(of kind: Activation.Kind, at x: Double) -> Double {
  switch kind {
  case .relu(let slope): x > 0 ? x : Double(slope) * x
  case .sigmoid: logistic(x)
  case .tanh: tanh(x)
  case .gelu: x * normalDistribution(x)
  case .geluTanh: x / 2 * (1 + tanh(geluArgument(x)))
  case .silu: x * logistic(x)
  case .softplus: max(x, 0) + log1p(exp(-abs(x)))
  case .elu(let alpha): x > 0 ? x : Double(alpha) * expm1(x)
  case .exp: exp(x)
  case .log: log(x)
  case .squareRoot: x.squareRoot()
  case .square: x * x
  case .absolute: abs(x)
  case .affine(let scale, let shift): Double(scale) * x + Double(shift)
  }
}

/// f′ from f(x) where the kind derives from its output, else from x.
private func derivative(of kind: Activation.Kind, from known: Double) -> Double {
  let (x, y) = (known, known)
  switch kind {
  // For a slope ≥ 0 the result has the argument's sign.
  case .relu(let slope): return x > 0 ? 1 : Double(slope)
  case .sigmoid: return y * (1 - y)
  case .tanh: return 1 - y * y
  case .gelu: return normalDistribution(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
  case .geluTanh:
    let t = tanh(geluArgument(x))
    let slope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
    return (1 + t) / 2 + x / 2 * (1 - t * t) * slope
  case .silu: return logistic(x) * (1 + x * (1 - logistic(x)))
  case .softplus: return logistic(x)
  case .elu(let alpha):
    // For alpha ≥ 0 the argument is the output: alpha · eˣ = y + alpha.
    if known > 0 { return 1 }
    return kind.derivesFromOutput ? y + Double(alpha) : Double(alpha) * exp(x)
  case .exp: return y
  case .log: return 1 / x
  case .squareRoot: return 0.5 / y
  case .square: return 2 * x
  case .absolute: return x > 0 ? 1 : x < 0 ? -1 : 0
  case .affine(let scale, _): return Double(scale)
  }
}

/// 1 / (1 + e⁻ˣ), without overflow.
func logistic(_ x: Double) -> Double {
  let e = exp(-abs(x))
  return (x >= 0 ? 1 : e) / (1 + e)
}

/// Φ(x), the normal distribution function.
private func normalDistribution(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

/// √(2/π) · (x + 0.044715 x³).
private func geluArgument(_ x: Double) -> Double {
  (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
}
