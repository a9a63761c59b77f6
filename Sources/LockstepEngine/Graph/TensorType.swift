/// The type of a tensor's values.
public enum ScalarType: Sendable, Equatable {
  case float32
  case int32

  /// The number of bytes of one value.
  public var byteCount: Int { 4 }
}

/// The shape and scalar type of a symbolic tensor.
public struct TensorType: Sendable, Equatable {
  /// The dimensions, row-major; empty for a scalar.
  public let shape: [Int]
  public let scalar: ScalarType

  public init(_ shape: [Int], _ scalar: ScalarType = .float32) {
    self.shape = shape
    self.scalar = scalar
  }

  /// The number of values.
  public var count: Int { shape.reduce(1, *) }
}

/// A model or an operation that does not fit its inputs.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, naming the layer where one is known, and what was expected.
  public let description: String

  public init(_ description: String) { self.description = description }
}
