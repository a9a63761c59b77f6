internal import CLockstepKernels

extension GatherRows: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (table, indices) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let count = plan.type(site.inputs[0]).shape[0]
    let width = plan.type(site.inputs[0]).count / count
    let places = plan.type(site.inputs[1]).count
    let hidden = hidesPadding ? padding : nil
    plan.emit([table, indices, result]) { addresses in
      let (table, indices, result) = (
        addresses[0].floats, addresses[1].integers, addresses[2].floats
      )
      return { _ in
        for place in 0..<places {
          let (to, index) = (result + place * width, Int(indices[place]))
          if index < 0 || index >= count {
            to.update(repeating: .nan, count: width)
          } else if index == hidden {
            to.update(repeating: 0, count: width)
          } else {
            to.update(from: table + index * width, count: width)
          }
        }
      }
    }
  }
}

extension ScatterRows: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (rows, indices) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], try .plain(shape))
    let count = shape[0]
    let width = TensorType(shape).count / count
    let places = plan.type(site.inputs[1]).count
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    let padding = padding
    plan.emit([rows, indices, result]) { addresses in
      let (rows, indices, sums) = (
        addresses[0].floats, addresses[1].integers, addresses[2].floats
      )
      return { _ in
        sums.update(repeating: 0, count: count * width)
        for place in 0..<places {
          let index = Int(indices[place])
          guard index >= 0, index < count, index != padding else { continue }
          let sum = sums + index * width
          add(sum, sum, rows + place * width, width)
        }
      }
    }
  }
}
