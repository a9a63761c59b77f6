import LockstepEngine

/// Two numbers, one for rows and one for columns: `3` is `[3, 3]`.
public struct SpatialPair: Sendable, Equatable, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral
{
  public let rows: Int
  public let columns: Int

  public init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }
  /// The same number for both.
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral value: Int) { self.init(value) }
  /// `[rows, columns]`.
  public init(arrayLiteral elements: Int...) {
    precondition(elements.count == 2, "a pair is written [rows, columns]")
    self.init(elements[0], elements[1])
  }

  var list: [Int] { [rows, columns] }
}

/// The zeros around the input of a convolution or pooling.
public enum Padding: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  /// None.
  case valid
  /// As many as keep the size; the stride must be one. For even kernels the extra row and
  /// column are behind.
  case same
  /// On both sides of the rows and of the columns.
  case explicit(SpatialPair)

  public init(integerLiteral value: Int) { self = .explicit(SpatialPair(value)) }
  /// `[rows, columns]`.
  public init(arrayLiteral elements: Int...) {
    precondition(elements.count == 2, "a padding is written [rows, columns]")
    self = .explicit(SpatialPair(elements[0], elements[1]))
  }

  /// The window of a kernel with this padding; nil after failing the trace.
  func window(
    kernel: SpatialPair, stride: SpatialPair, dilation: SpatialPair, _ scope: LayerScope
  ) -> Window? {
    switch self {
    case .valid:
      return Window(kernel: kernel.list, strides: stride.list, dilations: dilation.list)
    case .explicit(let padding):
      return Window(
        kernel: kernel.list, strides: stride.list, padding: padding.list, dilations: dilation.list)
    case .same:
      guard
        scope.require(
          stride == 1,
          "padding 'same' needs a stride of 1, got \(stride.list); give the padding in numbers")
      else { return nil }
      return .same(kernel: kernel.list, dilations: dilation.list)
    }
  }
}
