internal import CLockstepKernels
#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// sin x or cos x, x in radians.
package struct Sinusoid: Operation {
  /// The function.
  package enum Kind: Sendable, Equatable { case sine, cosine }

  package let kind: Kind
  package var name: String { "\(kind)" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { inputs }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    let x = call.inputs[0]
    return [kind == .sine ? dy * x.cosine() : -(dy * x.sine())]
  }

  /// An elementwise function's Jacobian is diagonal, so both rules are one.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    reverse(call, tangents)
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [inputs[0].map { kind == .sine ? sin($0) : cos($0) }]
  }
}

extension Sinusoid: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let count = plan.type(site.inputs[0]).count
    let isCosine: Int32 = kind == .cosine ? 1 : 0
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in lockstep_sinusoid(y, x, count, isCosine) }
    }
  }
}

extension Tensor {
  /// The sine of each value, in radians.
  public func sine() -> Tensor { apply(Sinusoid(kind: .sine)) }
  /// The cosine of each value, in radians.
  public func cosine() -> Tensor { apply(Sinusoid(kind: .cosine)) }
}
