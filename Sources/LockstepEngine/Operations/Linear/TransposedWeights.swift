internal import CLockstepKernels

extension PlanBuilder {
  /// A weight [out, in] as [in, out], transposed when the parameters change; nil where that does not pay.
  ///
  /// With one example the kernel whose lanes are the result's columns fills its vectors, and reads weights several
  /// times as fast as the one whose lanes are examples. Both add the same terms in the same order, so that bits do
  /// not depend on the choice. It pays where weights stay and runs are many: where a sequence goes on position by
  /// position.
  func transposedWeight(_ value: Graph.ValueID, rows: Int) throws -> Memory? {
    guard graph.carriesStates, rows == 1, dense != nil, case .parameter? = leafOfValue[value] else {
      return nil
    }
    let shape = type(value).shape
    let source = try plain(value)
    let result = Memory(
      buffer: region(.packed, type(value).count * 4),
      descriptor: try .plain([shape[1], shape[0]]))
    let pack = isa.kernels.pointee.pack_panels!
    packing.append(
      PlanStep(
        label: "\(label): packing",
        action: .kernel([source, result]) { addresses in
          let (from, to) = (addresses[0].floats, addresses[1].floats)
          return { _ in pack(to, from, shape[0], shape[1], shape[0], 0) }
        }))
    return result
  }
}

extension LinearMap {
  /// The map of one example by a transposed weight.
  func lower(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, by weight: Memory,
    with dense: lockstep_dense_kernels
  ) throws {
    let x = try plan.plain(site.inputs[0])
    let bias = site.inputs.count > 2 ? try plan.plain(site.inputs[2]) : nil
    let (columns, rows) = (weight.descriptor.shape[0], weight.descriptor.shape[1])
    let rectifies = plan.fusion.activation[site.index] != nil
    let y = plan.define(
      plan.fusion.activation[site.index]?.output ?? site.outputs[0],
      try .plain(plan.type(site.outputs[0])))
    let scratch = plan.scratch(
      lockstep_dense_scratch(1, rows, columns) * MemoryLayout<Float>.stride)
    let product = dense.input_gradient!
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    plan.emit([x, weight, y, scratch] + (bias.map { [$0] } ?? []), calling: PlanBuilder.denseName) {
      let (x, w, y, scratch) = ($0[0].floats, $0[1].floats, $0[2].floats, $0[3].floats)
      let bias = $0.count > 4 ? $0[4].floats : nil
      return { _ in
        product(y, x, w, 1, rows, columns, scratch)
        if let bias { add(y, y, bias, rows) }
        guard rectifies else { return }
        for index in 0..<rows where y[index] < 0 { y[index] = 0 }
      }
    }
  }
}
