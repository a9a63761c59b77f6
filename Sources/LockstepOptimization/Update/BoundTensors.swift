import LockstepEngine

extension UpdateRule {
  /// The tensors of which a constraint holds every unit, or every value, at its bound: nothing but
  /// directions is left to learn, or nothing at all. Constraints that always do so, like `unitNorm`, do not
  /// count.
  ///
  /// - Parameter parameters: all of them, behind an update.
  package func boundTensors(_ parameters: UnsafeBufferPointer<Float>) -> [String] {
    layout.slots.indices.compactMap { slot in
      let tensor = layout.slots[slot]
      guard let constraint = constraints[slot], tensor.count > 0 else { return nil }
      let values = UnsafeBufferPointer(rebasing: parameters[tensor.range])
      let isBound =
        switch constraint.projection {
        case let box as any ValueProjection: box.holds(values)
        case let norms as any NormProjection:
          // It was found to be of the tensor when the rule was made.
          (try? constraint.reducedAxes(of: tensor, owner: "")).map {
            norms.interval.holds(values, tensor.shape, reduced: $0)
          } ?? false
        default: false
        }
      return isBound ? tensor.name : nil
    }
  }
}

extension ValueProjection {
  fileprivate func holds(_ values: UnsafeBufferPointer<Float>) -> Bool {
    lower < upper && values.allSatisfy { $0 == lower || $0 == upper }
  }
}

extension NormInterval {
  /// Whether the norm of every unit is at an end of the interval, within what rounding leaves.
  fileprivate func holds(
    _ values: UnsafeBufferPointer<Float>, _ shape: [Int], reduced: [Bool]
  ) -> Bool {
    guard minimum < maximum, rate == nil else { return false }
    var strides = Array(repeating: 0, count: shape.count)
    var units = 1
    for axis in shape.indices.reversed() where !reduced[axis] {
      strides[axis] = units
      units *= shape[axis]
    }
    // What a step of each axis adds to a unit's number, counted like an odometer.
    var squares = [Double](repeating: 0, count: units)
    var place = Array(repeating: 0, count: shape.count)
    var unit = 0
    for value in values {
      squares[unit] += Double(value) * Double(value)
      var axis = shape.count - 1
      while axis >= 0 {
        place[axis] += 1
        unit += strides[axis]
        if place[axis] < shape[axis] { break }
        unit -= strides[axis] * shape[axis]
        place[axis] = 0
        axis -= 1
      }
    }
    let slack = 4 * normSlack
    return squares.allSatisfy {
      let norm = $0.squareRoot()
      return norm >= maximum * (1 - slack) || minimum > 0 && norm <= minimum * (1 + slack)
    }
  }
}
