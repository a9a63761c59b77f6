internal import CLockstepKernels

extension RowNormalization: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let operands = try site.inputs.map(plan.plain)
    let (rows, columns) = plan.rows(site.inputs[0])
    let results =
      [try plan.define(site.outputs[0], .plain([rows, columns]))]
      + (try site.outputs.dropFirst().map { plan.define($0, try .plain([rows])) })
    let normalize = plan.isa.rowKernels.pointee.normalize!
    let (epsilon, centers) = (Double(epsilon), centers)
    plan.emit(operands + results) { addresses in
      let (x, gamma) = (addresses[0].floats, addresses[1].floats)
      let beta = centers ? addresses[2].floats : nil
      let last = addresses.count - 1
      let (y, mean, inverse) = (
        addresses[last - 2].floats, addresses[last - 1].floats, addresses[last].floats
      )
      return { _ in
        normalize(y, mean, inverse, x, gamma, beta, rows, columns, epsilon, centers ? 1 : 0)
      }
    }
  }
}

extension RowNormalizationGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let operands = try site.inputs.map(plan.plain)
    let (rows, columns) = plan.rows(site.inputs[1])
    let dx = try plan.define(site.outputs[0], .plain([rows, columns]))
    let affine = try site.outputs.dropFirst().map { plan.define($0, try .plain([columns])) }
    // Sums over rows are made in Double.
    let room = (columns + 15) / 16 * 16
    let sums = plan.scratch(2 * room * MemoryLayout<Double>.stride)
    let gradient = plan.isa.rowKernels.pointee.gradient!
    let centers = centers
    plan.emit(operands + [dx] + affine + [sums]) { addresses in
      let inputs = addresses[..<5].map(\.floats)
      let (dx, scale, shift) = (addresses[5].floats, addresses[6].floats, addresses[7].floats)
      let sums = addresses[8].doubles
      return { _ in
        sums.update(repeating: 0, count: 2 * room)
        gradient(
          dx, sums, sums + room, inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], rows,
          columns, centers ? 1 : 0)
        for column in 0..<columns {
          scale[column] = Float(sums[column])
          shift[column] = Float(sums[room + column])
        }
      }
    }
  }
}

extension InstructionSet {
  var rowKernels: UnsafePointer<lockstep_row_kernels> {
    lockstep_row_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
