/// A tensor of an ONNX graph whose values are known: a weight, a shape, a mask.
package struct ONNXTensor: Sendable, Equatable {
  /// The types of values that graphs are made of here.
  package enum Scalar: String, Sendable {
    case float32, int64, int32, bool

    /// The number that files have for it.
    package var number: Int {
      switch self {
      case .float32: 1
      case .int32: 6
      case .int64: 7
      case .bool: 9
      }
    }
  }

  /// The values, row by row. Truth values are integers, 0 and 1.
  package enum Values: Sendable, Equatable {
    case floats([Float])
    case integers([Int])
  }

  /// The dimensions; none for a scalar.
  package var shape: [Int]
  /// The type in files.
  package var scalar: Scalar
  package var values: Values

  package init(_ shape: [Int], floats: [Float]) {
    self.shape = shape
    scalar = .float32
    values = .floats(floats)
  }

  package init(_ shape: [Int], integers: [Int], _ scalar: Scalar = .int64) {
    self.shape = shape
    self.scalar = scalar
    values = .integers(integers)
  }

  /// The number of values.
  package var count: Int { shape.reduce(1, *) }

  package var isFloat: Bool { scalar == .float32 }

  /// The values as numbers of single precision.
  package var floats: [Float] {
    switch values {
    case .floats(let values): values
    case .integers(let values): values.map(Float.init)
    }
  }

  /// The values as integers; nil where they are none.
  package var integers: [Int]? {
    if case .integers(let values) = values { values } else { nil }
  }
}
