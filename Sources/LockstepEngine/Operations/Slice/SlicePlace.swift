/// Where a slice lies: the indices `start..<start + count` of one axis.
package struct SlicePlace: Sendable, Equatable {
  package let axis: Int
  package let start: Int
  package let count: Int

  /// The shape of the slice of a whole.
  func shape(in whole: [Int]) throws(GraphError) -> [Int] {
    var shape = whole
    try expect(shape.indices.contains(axis), "axis \(axis) is not among the axes of \(shape)")
    try expect(
      start >= 0 && count > 0 && count <= shape[axis] && start <= shape[axis] - count,
      "\(start)..<\(start &+ count) is not inside axis \(axis) of \(shape)")
    shape[axis] = count
    return shape
  }
}
