/// A tensor of Doubles on the host, row-major: what the reference evaluation computes with.
public struct HostTensor: Sendable, Equatable {
  /// The dimensions; none for a scalar.
  public var shape: [Int]
  /// The values, as many as the shape has.
  public var values: [Double]

  /// A tensor of values given row by row. Where they do not fill the shape, what is handed the tensor
  /// says so.
  public init(_ shape: [Int], _ values: [Double]) {
    self.shape = shape
    self.values = values
  }
  /// A tensor of equal values, zeros where nothing else is said.
  public init(_ shape: [Int], repeating value: Double = 0) {
    self.init(shape, Array(repeating: value, count: shape.reduce(1, *)))
  }

  /// Throws unless tensors are of the shapes that were inferred, and filled.
  package static func check(
    _ tensors: [HostTensor], against types: [TensorType]
  ) throws(GraphError) {
    try expect(
      tensors.map(\.shape) == types.map(\.shape),
      "evaluate gives results of shapes \(tensors.map(\.shape)); inferred were "
        + "\(types.map(\.shape))")
    for (index, (tensor, type)) in zip(tensors, types).enumerated() {
      try expect(
        tensor.values.count == type.count,
        "evaluate gives result \(index) \(tensor.values.count) values; its shape \(type.shape) has "
          + "\(type.count)")
    }
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
