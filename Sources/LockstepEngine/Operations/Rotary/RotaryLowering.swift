internal import CLockstepKernels

extension Rotary: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let shape = plan.type(site.inputs[0]).shape
    let (cosines, sines) = angles(positions: limit ?? shape[1])
    let (cosineTable, sineTable) = (cosines.map(Float.init), sines.map(Float.init))
    let sizes = lockstep_rotary(
      examples: shape[0], positions: shape[1], row: shape[2], columns: columns, head: headWidth)
    let kernels = lockstep_rotary_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee
    let rotate = pairing == .neighbours ? kernels.neighbours! : kernels.halves!
    let positions = try site.inputs.dropFirst().map(plan.plain)
    plan.emit([source, result] + positions) { [limit, headWidth] addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      guard let limit else {
        return { _ in
          var sizes = sizes
          rotate(&sizes, y, x, cosineTable, sineTable)
        }
      }
      let positions = addresses[2].integers
      var one = sizes
      (one.examples, one.positions) = (1, 1)
      return { [one] _ in
        var one = one
        for place in 0..<shape[0] * shape[1] {
          let (to, position) = (y + place * shape[2], Int(positions[place]))
          guard position >= 0, position < limit else {
            to.update(repeating: .nan, count: shape[2])
            continue
          }
          cosineTable.withUnsafeBufferPointer { cosines in
            sineTable.withUnsafeBufferPointer { sines in
              let angle = position * headWidth / 2
              rotate(
                &one, to, x + place * shape[2], cosines.baseAddress! + angle,
                sines.baseAddress! + angle)
            }
          }
        }
      }
    }
  }
}

extension Rotary: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}
