/// The type of a tensor's values.
public enum ScalarType: Sendable, Equatable {
  /// IEEE 754 single precision.
  case float32
  /// Signed integers of 32 bits.
  case int32

  /// The number of bytes of one value.
  package var byteCount: Int { 4 }
}

/// The shape and scalar type of a symbolic tensor.
public struct TensorType: Sendable, Equatable {
  /// The dimensions, row-major; empty for a scalar.
  public let shape: [Int]
  /// The type of the values.
  public let scalar: ScalarType

  /// Makes a type with row-major dimensions; none for a scalar.
  public init(_ shape: [Int], _ scalar: ScalarType = .float32) {
    self.shape = shape
    self.scalar = scalar
  }

  /// The number of values; `Int.max` where there would be more.
  public var count: Int {
    shape.reduce(1) { product, size in
      let (result, overflow) = product.multipliedReportingOverflow(by: size)
      return overflow ? .max : result
    }
  }

  /// What is wrong with the shape; nil where a tensor can have it.
  ///
  /// A product is looked at in the order of the axes, so that no later zero hides an overflow.
  package var problem: String? {
    if let size = shape.first(where: { $0 <= 0 }) {
      return "the shape \(shape) has a size of \(size); sizes are positive"
    }
    let count = count
    return count > Self.largestCount
      ? "the shape \(shape) has more than \(Self.largestCount) values" : nil
  }

  /// The most values that a tensor can have: offsets in bytes and sums of some of them fit Int.
  package static let largestCount = 1 << 52
}
