internal import CLockstepKernels

extension Rotary: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let shape = plan.type(site.inputs[0]).shape
    let (cosines, sines) = angles(positions: shape[1])
    let (cosineTable, sineTable) = (cosines.map(Float.init), sines.map(Float.init))
    let sizes = lockstep_rotary(
      examples: shape[0], positions: shape[1], row: shape[2], columns: columns, head: headWidth)
    let kernels = lockstep_rotary_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee
    let rotate = pairing == .neighbours ? kernels.neighbours! : kernels.halves!
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in
        var sizes = sizes
        rotate(&sizes, y, x, cosineTable, sineTable)
      }
    }
  }
}

extension Rotary: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}
