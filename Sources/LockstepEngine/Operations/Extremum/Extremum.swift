internal import CLockstepKernels

/// The largest value along the middle axis of [O, K, I], or the smallest, in a tensor [O, 1, I].
///
/// A NaN is larger and smaller than any number. Equal values share the gradient evenly, as in PyTorch's
/// `amax`.
package struct Extremum: Operation {
  /// Which value is wanted.
  package enum Kind: Sendable, Equatable { case maximum, minimum }

  package let kind: Kind
  package var name: String { "\(kind)" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try expect(shape.count == 3, "expects [O, K, I], got \(shape)")
    return [TensorType([shape[0], 1, shape[2]])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    // The library's product of two whole tensors is fast, that with a repeated middle axis is not.
    [gradients[0].map { share(call) * $0.broadcast(to: call.inputs[0].shape) }]
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0].map { (share(call) * $0).sum([1], keepDimensions: true) }]
  }

  private func share(_ call: Call) -> Tensor {
    call.inputs[0].apply(ExtremumShare(), call.outputs[0])
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let x = inputs[0]
    let (count, inner) = (x.shape[1], x.shape[2])
    var y = HostTensor([x.shape[0], 1, inner])
    for place in y.values.indices {
      let first = place / inner * count * inner + place % inner
      y.values[place] = (1..<count).reduce(x.values[first]) { best, index in
        kind.best(x.values[first + index * inner], best)
      }
    }
    return [y]
  }
}

extension Extremum.Kind {
  /// The value that is wanted of two; NaN where one is.
  func best(_ a: Double, _ b: Double) -> Double {
    if a.isNaN || b.isNaN { return .nan }
    return self == .maximum ? max(a, b) : min(a, b)
  }
}

/// What each value of x [O, K, I] has of its extremum y [O, 1, I]: 1 / k for each of k values that are equal to
/// y, 0 for the others; NaN where the extremum is.
package struct ExtremumShare: Operation {
  package var name: String { "share of an extremum" }
  package var precisionRole: PrecisionRole { .neutral }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { [inputs[0]] }

  /// It is constant almost everywhere.
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, y) = (inputs[0], inputs[1].broadcast(to: inputs[0].shape))
    let isEqual = HostTensor(x.shape, zip(x.values, y.values).map { $0 == $1 ? 1 : 0 })
    let counts = Sum(axes: [1]).evaluate([isEqual], context)[0].broadcast(to: x.shape)
    return [HostTensor(x.shape, zip(isEqual.values, counts.values).map { $0 / $1 })]
  }
}

extension Extremum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let shape = plan.type(site.inputs[0]).shape
    let isSmallest: Int32 = kind == .minimum ? 1 : 0
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in lockstep_extremum(y, x, shape[0], shape[1], shape[2], isSmallest) }
    }
  }
}

extension ExtremumShare: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (x, y) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], x.descriptor)
    let shape = plan.type(site.inputs[0]).shape
    plan.emit([x, y, result]) { addresses in
      let (x, y, share) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      return { _ in lockstep_extremum_share(share, x, y, shape[0], shape[1], shape[2]) }
    }
  }
}

extension Tensor {
  /// The largest values over `axes` (all of them by default), which vanish unless `keepDimensions`. Equal
  /// ones share the gradient evenly. PyTorch's `amax`.
  public func maximum(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    extremum(.maximum, axes, keepDimensions)
  }

  /// The smallest values over `axes` (all of them by default), which vanish unless `keepDimensions`. Equal
  /// ones share the gradient evenly. PyTorch's `amin`.
  public func minimum(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    extremum(.minimum, axes, keepDimensions)
  }

  private func extremum(_ kind: Extremum.Kind, _ axes: [Int]?, _ keepDimensions: Bool) -> Tensor {
    let axes = Array(Set(axes ?? Array(shape.indices))).sorted()
    guard let first = axes.first, let last = axes.last else { return self }
    guard shape.indices.contains(first), shape.indices.contains(last) else {
      graph.fail("\(kind): the axes \(axes) are not all among those of \(shape)")
      return self
    }
    // Axes that are no neighbours are brought together behind the others.
    let others = shape.indices.filter { !axes.contains($0) }
    let areNeighbours = last - first == axes.count - 1
    let turned = areNeighbours ? self : transposed(others + axes)
    let count = axes.reduce(1) { $0 * shape[$1] }
    let inner = areNeighbours ? TensorType(Array(shape[(last + 1)...])).count : 1
    let result = turned.reshaped(to: [-1, count, inner]).apply(Extremum(kind: kind))
    return result.reshaped(
      to: keepDimensions
        ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : others.map { shape[$0] })
  }
}
