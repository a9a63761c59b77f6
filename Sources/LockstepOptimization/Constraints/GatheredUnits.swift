import LockstepEngine

/// A projection that changes units in a way of its own, as a reference that can be passed as an address.
final class OwnUnits {
  private let projection: any UnitProjection

  init(_ projection: any UnitProjection) { self.projection = projection }

  /// Projects `count` values, units of `size` values side by side.
  func project(_ values: UnsafeMutablePointer<Float>, size: Int, count: Int) {
    project(values, size: size, count: count, by: projection)
  }

  private func project(
    _ values: UnsafeMutablePointer<Float>, size: Int, count: Int, by projection: some UnitProjection
  ) {
    if size == 0 { return }
    for start in stride(from: 0, to: count, by: size) {
      var unit = UnsafeMutableBufferPointer(start: values + start, count: size).mutableSpan
      projection.project(&unit)
    }
  }
}

/// Units whose values do not lie side by side, or that span blocks, each put together, projected and put
/// back. The whole tensor must be at hand.
final class GatheredUnits {
  private let offset: Int
  private let units: OwnUnits
  private let size: Int
  /// The place of each value of a unit, from the unit's first one.
  private let places: [Int]
  /// The first value of each unit.
  private let starts: [Int]
  private let scratch: Arena<Float>

  init(slot: FlatLayout.Slot, reduced: [Bool], projection: any UnitProjection) {
    offset = slot.offset
    units = OwnUnits(projection)
    var strides = Array(repeating: 1, count: slot.shape.count)
    for axis in slot.shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * slot.shape[axis + 1]
    }
    func places(of isIncluded: (Int) -> Bool) -> [Int] {
      var places = [0]
      for axis in slot.shape.indices where isIncluded(axis) {
        places = places.flatMap { base in
          (0..<slot.shape[axis]).map { base + $0 * strides[axis] }
        }
      }
      return places
    }
    self.places = places { reduced[$0] }
    starts = places { !reduced[$0] }
    size = self.places.count
    scratch = Arena(count: size)
  }

  /// Projects the tensor in its arena.
  func project(_ parameters: UnsafeMutablePointer<Float>) {
    for start in starts {
      let unit = parameters + offset + start
      for (index, place) in places.enumerated() { scratch.base[index] = unit[place] }
      units.project(scratch.base, size: size, count: size)
      for (index, place) in places.enumerated() { unit[place] = scratch.base[index] }
    }
  }
}
