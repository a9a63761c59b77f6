internal import CLockstepKernels

/// y = x + P: positions told by sines and cosines, P[t, 2i] = sin(t / base^(2i / W)) and
/// P[t, 2i + 1] = cos(t / base^(2i / W)), for x [N, T, W].
///
/// Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.
package struct SinusoidalPositions: Operation {
  package let base: Float
  package var name: String { "sinusoidal positions" }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let shape = inputs[0].shape
    try expect(shape.count == 3, "expects an input [N, T, width], got \(shape)")
    try expect(shape[2] % 2 == 0, "the width must be even, got \(shape[2])")
    try expect(base > 0 && base.isFinite, "the base must be positive, got \(base)")
    try expect(shape[1] <= 1 << 20, "more than 2²⁰ positions, got \(shape[1])")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { gradients }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { tangents }

  /// P, row-major [T, W].
  func table(_ shape: [Int]) -> [Double] {
    let angles = PositionAngles(positions: shape[1], pairs: shape[2] / 2, base: Double(base))
    return zip(angles.sines, angles.cosines).flatMap { [$0, $1] }
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let table = table(inputs[0].shape)
    return [
      HostTensor(
        inputs[0].shape, inputs[0].values.enumerated().map { $1 + table[$0 % table.count] })
    ]
  }
}

extension SinusoidalPositions: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let shape = plan.type(site.inputs[0]).shape
    let table = table(shape).map(Float.init)
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in
        for example in 0..<shape[0] {
          let first = example * table.count
          add(y + first, x + first, table, table.count)
        }
      }
    }
  }
}

extension SinusoidalPositions: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}

extension Tensor {
  /// Adds sines and cosines of the position to [N, T, width], the width being even: at 2i and 2i + 1 those of
  /// t / base^(2i / width).
  ///
  /// Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.
  package func addingSinusoidalPositions(base: Float = 10_000) -> Tensor {
    let operation = SinusoidalPositions(base: base)
    guard let place = graph.place, shape.count == 3, !graph.hasFailed else {
      return apply(operation)
    }
    // The same sums, with the row of the position.
    let table = [place.context, shape[2]]
    do throws(GraphError) {
      _ = try operation.infer([TensorType([1] + table)])
    } catch {
      graph.fail(error.description)
      return self
    }
    return self
      + graph.constant(operation.table([1] + table).map(Float.init), table).gathered(place.position)
  }
}
