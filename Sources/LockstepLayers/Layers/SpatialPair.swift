import LockstepCatalog
import LockstepEngine
import LockstepFiles

/// Two numbers, one for rows and one for columns: `3` is `[3, 3]`.
public struct SpatialPair: Sendable, Equatable, ExpressibleByIntegerLiteral,
  ExpressibleByArrayLiteral
{
  /// The number for rows, of height.
  public let rows: Int
  /// The number for columns, of width.
  public let columns: Int

  /// Makes a pair with a number for rows and one for columns, as PyTorch's tuples have them.
  public init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }
  /// The same number for both.
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral value: Int) { self.init(value) }
  /// `[rows, columns]`. A list of another length makes a pair that no layer accepts, so that the trace
  /// fails.
  public init(arrayLiteral elements: Int...) {
    self = elements.count == 2 ? Self(elements[0], elements[1]) : .notAPair
  }

  /// What a list of another length than two makes.
  static let notAPair = SpatialPair(.min, .min)

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
  /// `[rows, columns]`. A list of another length makes the trace fail.
  public init(arrayLiteral elements: Int...) {
    self = .explicit(
      elements.count == 2 ? SpatialPair(elements[0], elements[1]) : .notAPair)
  }

  /// The window of a kernel with this padding; nil after failing the trace.
  func window(
    kernel: SpatialPair, stride: SpatialPair, dilation: SpatialPair, _ scope: LayerScope
  ) -> Window? {
    var pairs = [("kernel", kernel), ("stride", stride), ("dilation", dilation)]
    if case .explicit(let padding) = self { pairs.append(("padding", padding)) }
    for (name, pair) in pairs {
      guard
        scope.require(
          pair != .notAPair, "the \(name) must be a number or a list of two, [rows, columns]")
      else { return nil }
    }
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

extension SpatialPair: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    if let both = value?.integerValue {
      self.init(both)
    } else if let list = [Int](hyperparameter: value), list.count == 2 {
      self.init(list[0], list[1])
    } else {
      return nil
    }
  }
}

extension Padding: HyperparameterValue {
  package init?(hyperparameter value: JSONValue?) {
    switch value {
    case "valid": self = .valid
    case "same": self = .same
    default:
      guard let pair = SpatialPair(hyperparameter: value) else { return nil }
      self = .explicit(pair)
    }
  }
}

extension Hyperparameter {
  static var padding: Self {
    .with(
      "padding", .either(.choice(["valid", "same"]), .pair(0...Int.max)), "valid",
      "what is added around the input")
  }
}

extension HyperparameterKind {
  /// The size of a window, or its step.
  static var spatialSize: Self { .pair(1...Int(Int32.max)) }
}
