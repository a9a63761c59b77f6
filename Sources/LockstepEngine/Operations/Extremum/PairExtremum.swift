internal import CLockstepKernels

/// The larger of two values, or the smaller, element by element; NaN where one of them is. Equal values share
/// the gradient evenly, as in PyTorch's `maximum`.
package struct PairExtremum: Operation {
  package let kind: Extremum.Kind
  package var name: String { "\(kind) of two" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape == inputs[1].shape, "shapes \(inputs[0].shape), \(inputs[1].shape) differ")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    (0..<2).map { index in
      call.needs[index] ? gradients[0].map { $0 * share(of: index, call) } : nil
    }
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    func part(_ index: Int) -> Tensor? { tangents[index].map { $0 * share(of: index, call) } }
    return [sumOfTangents(part(0), part(1))]
  }

  private func share(of index: Int, _ call: Call) -> Tensor {
    call.inputs[index].apply(PairExtremumShare(kind: kind), call.inputs[1 - index])
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    [HostTensor(inputs[0].shape, zip(inputs[0].values, inputs[1].values).map { kind.best($0, $1) })]
  }
}

/// What a has of the extremum of a and b: 1 where it wins, 1/2 where both are equal, 0 where it loses; 1 where
/// one of them is NaN.
package struct PairExtremumShare: Operation {
  package let kind: Extremum.Kind
  package var name: String { "share of a \(kind) of two" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { [inputs[0]] }

  /// It is constant almost everywhere.
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let values = zip(inputs[0].values, inputs[1].values).map { a, b in
      a == b ? 0.5 : (kind == .maximum ? b > a : b < a) ? 0 : 1
    }
    return [HostTensor(inputs[0].shape, values)]
  }
}

extension PairExtremum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    try lower(pairs: lockstep_pair_extremum, kind, site, plan)
  }
}

extension PairExtremumShare: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    try lower(pairs: lockstep_pair_extremum_share, kind, site, plan)
  }
}

extension Operation {
  /// Emits a kernel that makes a tensor of two.
  fileprivate func lower(
    pairs kernel:
      @escaping (
        UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int, Int32
      ) -> Void, _ kind: Extremum.Kind, _ site: PlanBuilder.Site, _ plan: PlanBuilder
  ) throws {
    let (a, b) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], a.descriptor, reusing: site.inputs[0], in: site)
    let count = plan.type(site.outputs[0]).count
    let isSmallest: Int32 = kind == .minimum ? 1 : 0
    plan.emit([a, b, result]) { addresses in
      let (a, b, y) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in kernel(y, a, b, count, isSmallest) }
    }
  }
}

extension Tensor {
  /// The larger of two values, element by element, with numpy's broadcasting; NaN where one of them is.
  /// Equal ones share the gradient evenly. PyTorch's `maximum`.
  public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { extremum(.maximum, a, b) }

  /// The smaller of two values, element by element, with numpy's broadcasting; NaN where one of them is.
  /// Equal ones share the gradient evenly. PyTorch's `minimum`.
  public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { extremum(.minimum, a, b) }

  private static func extremum(_ kind: Extremum.Kind, _ a: Tensor, _ b: Tensor) -> Tensor {
    guard let shape = TensorType.broadcast(a.shape, b.shape) else {
      a.graph.fail("\(kind): shapes \(a.shape) and \(b.shape) do not broadcast")
      return a
    }
    return a.broadcast(to: shape).apply(PairExtremum(kind: kind), b.broadcast(to: shape))
  }
}

extension TensorType {
  /// The shape that two shapes are broadcast to, after numpy; nil where there is none.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    let (left, right) = (
      Array(repeating: 1, count: rank - a.count) + a, Array(repeating: 1, count: rank - b.count) + b
    )
    guard zip(left, right).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else { return nil }
    return zip(left, right).map { $0 == 1 ? $1 : $0 }
  }
}
