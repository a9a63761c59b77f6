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

  /// The number of values; `Int.max` where it is larger. Tensors of a graph are smaller, see
  /// ``sizeProblem``.
  public var count: Int {
    shape.reduce(1) { product, extent in
      let (count, overflow) = product.multipliedReportingOverflow(by: extent)
      return overflow ? .max : count
    }
  }

  /// The most values that a tensor can have. Beside it sums over all tensors of a model, in bytes,
  /// stay far inside of an `Int`.
  static let countLimit = 1 << 40

  /// Why no tensor can have this type, or nil.
  var sizeProblem: String? {
    if shape.contains(where: { $0 < 0 }) { return "the shape \(shape) has a negative size" }
    // A size of zero hides others in the product.
    guard TensorType(shape.map { max($0, 1) }).count <= Self.countLimit else {
      return "a tensor of the shape \(shape) is too large: it can have at most "
        + "\(Self.countLimit) values"
    }
    return nil
  }
}

/// A model or an operation that does not fit its inputs.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, naming the layer where one is known, and what was expected.
  public let description: String

  public init(_ description: String) { self.description = description }
}
