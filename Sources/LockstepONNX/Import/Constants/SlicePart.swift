import LockstepEngine

/// A part of an axis, as a `Slice` takes it.
struct SlicePart {
  let axis: Int
  let start: Int
  let count: Int
  let step: Int

  static func all(
    _ starts: [Int], _ ends: [Int], axes: [Int]?, steps: [Int]?, shape: [Int]
  ) throws(GraphError) -> [SlicePart] {
    let axes = axes ?? Array(starts.indices)
    let steps = steps ?? starts.map { _ in 1 }
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count
    else { throw GraphError("the ends of the slice do not fit each other") }
    var parts: [SlicePart] = []
    for (index, given) in axes.enumerated() {
      let axis = given < 0 ? given + shape.count : given
      guard shape.indices.contains(axis), steps[index] != 0 else {
        throw GraphError("there is no axis \(given) of \(shape)")
      }
      let (size, step) = (shape[axis], steps[index])
      func place(_ value: Int) -> Int { value < 0 ? value &+ size : value }
      if step > 0 {
        let start = min(max(place(starts[index]), 0), size)
        let end = min(max(place(ends[index]), 0), size)
        let count = max(0, (end - start + step - 1) / step)
        parts.append(SlicePart(axis: axis, start: start, count: count, step: step))
      } else {
        let start = min(max(place(starts[index]), 0), size - 1)
        let end = ends[index] <= -size ? -1 : min(max(place(ends[index]), -1), size - 1)
        let count = max(0, (start - end - step - 1) / -step)
        parts.append(SlicePart(axis: axis, start: start, count: count, step: step))
      }
    }
    return parts
  }
}
