extension SliceSum: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let parts = try site.inputs.dropFirst(hasBase ? 1 : 0).map { try plan.plain($0) }
    let base = hasBase ? try plan.plain(site.inputs[0]) : nil
    let descriptor = try MemoryDescriptor.plain(plan.type(site.outputs[0]))
    let result =
      hasBase
      ? plan.define(site.outputs[0], descriptor, reusing: site.inputs[0], in: site)
      : plan.define(site.outputs[0], descriptor)
    let count = plan.type(site.outputs[0]).count
    let runs = slices.map { Runs($0, of: shape) }
    plan.emit([result] + parts + (base.map { [$0] } ?? [])) { addresses in
      let sum = addresses[0].floats
      let whole = hasBase ? addresses[addresses.count - 1].floats : nil
      let parts = addresses[1...parts.count].map { UnsafePointer($0.floats) }
      return { _ in
        if let whole {
          if whole != sum { sum.update(from: whole, count: count) }
        } else {
          sum.update(repeating: 0, count: count)
        }
        for (part, runs) in zip(parts, runs) { runs.add(part, to: sum) }
      }
    }
  }

  /// A slice's values in the whole: runs of neighbours, equally far apart.
  private struct Runs {
    let first: Int
    let count: Int
    let length: Int
    let stride: Int

    init(_ slice: SlicePlace, of shape: [Int]) {
      let inner = shape[(slice.axis + 1)...].reduce(1, *)
      first = slice.start * inner
      count = shape[..<slice.axis].reduce(1, *)
      length = slice.count * inner
      stride = shape[slice.axis] * inner
    }

    /// Adds a part, whose runs lie one behind the other.
    func add(_ part: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>) {
      for run in 0..<count {
        let (from, to) = (part + run * length, sum + (first + run * stride))
        for index in 0..<length { to[index] += from[index] }
      }
    }
  }
}
