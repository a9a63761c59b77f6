/// A tensor of Doubles on the host, row-major: what the reference evaluation computes with.
package struct HostTensor: Sendable, Equatable {
  package var shape: [Int]
  package var values: [Double]

  package init(_ shape: [Int], _ values: [Double]) {
    precondition(shape.reduce(1, *) == values.count, "values do not fill the shape")
    self.shape = shape
    self.values = values
  }
  package init(_ shape: [Int], repeating value: Double = 0) {
    self.init(shape, Array(repeating: value, count: shape.reduce(1, *)))
  }

  /// How far neighbours on each axis lie apart.
  package var strides: [Int] {
    var strides = Array(repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// Each value's image.
  package func map(_ transform: (Double) -> Double) -> HostTensor {
    HostTensor(shape, values.map(transform))
  }

  /// The values at `start + Σ index · stride` for every index of `shape`: a broadcast, transposed or
  /// cut view, copied.
  package func strided(_ shape: [Int], by strides: [Int], from start: Int = 0) -> HostTensor {
    HostTensor(shape, positions(of: shape, strides: strides, from: start).map { values[$0] })
  }

  /// The tensor with its dimensions of size one repeated.
  package func broadcast(to shape: [Int]) -> HostTensor {
    strided(shape, by: broadcastStrides)
  }

  /// ``strides``, but zero on axes of size one, which a broadcast repeats.
  package var broadcastStrides: [Int] { zip(shape, strides).map { $0 == 1 ? 0 : $1 } }
}

/// `start + Σ index · stride` for every index of a shape, in row-major order.
func positions(of shape: [Int], strides: [Int], from start: Int = 0) -> [Int] {
  var positions = [start]
  for (size, stride) in zip(shape, strides) {
    positions = positions.flatMap { base in (0..<size).map { base + $0 * stride } }
  }
  return positions
}
