internal import CLockstepKernels
internal import COneDNN

// Linear maps in Float32 by our own kernels, where the processor has fused multiply-adds.
//
// A shard has few examples. A library packs the weights first and computes such flat products at two
// thirds of the processor's rate; these kernels read the weights where they lie and come close to all
// of it (docs/kernels.md).

extension PlanBuilder {
  /// Where the kernels below are called, in profiles.
  static let denseName = "dense"

  /// The kernels of linear maps; nil where oneDNN computes them.
  var dense: lockstep_dense_kernels? {
    factor == .float32 ? isa.denseKernels?.pointee : nil
  }

  /// Working memory for a product of n examples.
  fileprivate func denseScratch(_ n: Int, _ columns: Int, _ rows: Int) -> Memory {
    scratch(lockstep_dense_scratch(n, columns, rows) * MemoryLayout<Float>.stride)
  }
}

extension LinearMap {
  /// Returns false where an activation is fused that the kernel does not know.
  func lower(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, with dense: lockstep_dense_kernels
  ) throws -> Bool {
    let fused = plan.fusion.activation[site.index]
    guard fused?.isRectifier ?? true else { return false }
    if let weight = try plan.transposedWeight(site.inputs[1], rows: plan.rows(site.inputs[0]).0) {
      try lower(site, plan, by: weight, with: dense)
      return true
    }
    let (x, w) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let bias = site.inputs.count > 2 ? try plan.plain(site.inputs[2]) : nil
    // Others may wait for it.
    plan.handOverInputs(site.inputs[0], x)
    let (n, columns) = plan.rows(site.inputs[0])
    let rows = plan.type(site.inputs[1]).shape[0]
    let rectifies: Int32 = fused == nil ? 0 : 1
    let y = plan.define(
      fused?.output ?? site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let scratch = plan.denseScratch(n, columns, rows)
    let forward = dense.forward!
    plan.emit([x, w, y, scratch] + (bias.map { [$0] } ?? []), calling: PlanBuilder.denseName) {
      let (x, w, y, scratch) = ($0[0].floats, $0[1].floats, $0[2].floats, $0[3].floats)
      let bias = $0.count > 4 ? $0[4].floats : nil
      return { _ in forward(y, x, w, bias, rectifies, n, columns, rows, scratch) }
    }
    return true
  }
}

extension LinearInputGradient {
  func lower(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, with dense: lockstep_dense_kernels
  ) throws {
    let (dy, w) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let (n, rows) = plan.rows(site.inputs[0])
    let columns = plan.type(site.inputs[1]).shape[1]
    let dx = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let scratch = plan.denseScratch(n, columns, rows)
    let gradient = dense.input_gradient!
    plan.emit([dy, w, dx, scratch], calling: PlanBuilder.denseName) {
      let (dy, w, dx, scratch) = ($0[0].floats, $0[1].floats, $0[2].floats, $0[3].floats)
      return { _ in gradient(dx, dy, w, n, columns, rows, scratch) }
    }
  }
}

extension LinearWeightGradient {
  /// dw = dyᵀ · x, or added to what lies there, with one rounding.
  func emitKernel(
    of gradient: Memory, _ source: Memory, _ result: Memory, _ plan: PlanBuilder,
    _ dense: lockstep_dense_kernels
  ) {
    let (rows, columns) = (result.descriptor.shape[0], result.descriptor.shape[1])
    let n = source.descriptor.shape[0]
    let shards = plan.shards
    let mayAccumulate = result.buffer.region == .sum
    let scratch = plan.denseScratch(n, columns, rows)
    let product = dense.weight_gradient!
    plan.emit([source, gradient, result, scratch], calling: PlanBuilder.denseName) {
      let (x, dy, dw, scratch) = ($0[0].floats, $0[1].floats, $0[2].floats, $0[3].floats)
      return { context in
        let adds: Int32 = context.accumulates && mayAccumulate ? 1 : 0
        product(dw, dy, x, adds, n / shards, shards, columns, rows, scratch)
      }
    }
  }
}
