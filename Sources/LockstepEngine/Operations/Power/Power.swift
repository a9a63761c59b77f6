internal import CLockstepKernels
#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// x^p, with PyTorch's rules: NaN for negative x unless p is an integer, and the derivative p x^(p − 1), which
/// is 0 for p = 0.
package struct Power: Operation {
  package let exponent: Float
  package var name: String { "power \(exponent)" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { inputs }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0], exponent != 0 else { return [nil] }
    return [dy * call.inputs[0].power(exponent - 1) * exponent]
  }

  /// An elementwise function's Jacobian is diagonal, so both rules are one.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    reverse(call, tangents)
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].map { pow($0, Double(exponent)) }]
  }
}

extension Power: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let (count, exponent) = (plan.type(site.inputs[0]).count, exponent)
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in lockstep_power(y, x, exponent, count) }
    }
  }
}

extension Tensor {
  /// Each value to the power of a number; NaN for a negative one unless the number is an integer. PyTorch's
  /// `pow`.
  public func power(_ exponent: Float) -> Tensor {
    switch exponent {
    case 1: self
    case 2: square()
    default: apply(Power(exponent: exponent))
    }
  }
}
