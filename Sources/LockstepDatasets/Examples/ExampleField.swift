/// One named tensor of an example: an input or a label.
public struct ExampleField: Sendable, Equatable {
  /// The type of the values.
  public enum Scalar: Sendable, Equatable {
    /// Float32 values.
    case float32
    /// Int32 values: tokens, categories, classes.
    ///
    /// Where there is a limit, values lie in `0..<limit`: the size of a vocabulary, the number of
    /// classes.
    case int32(limit: Int?)
  }

  /// The name of the input of a source with one input.
  package static let inputName = "input"
  /// The name of the label of a source with one label.
  package static let labelName = "label"
  /// The name of what an example weighs in the loss, where a source says it.
  package static let weightName = "weight"

  /// The name, unique in its source.
  public let name: String
  /// The shape of one example's values; `[]` for a single value.
  public let shape: [Int]
  /// The type of the values.
  public let scalar: Scalar
  /// An integer that may stand beside `0..<limit`, for a position that does not count (PyTorch's
  /// `ignore_index`); nil for none.
  package let ignored: Int32?
  /// What black is in an image, a value a channel or one for all.
  package let blank: [Float]
  /// What white is in an image, a value a channel or one for all; nil where that is not known.
  package let white: [Float]?

  /// - Parameters:
  ///   - shape: positive sizes.
  ///   - ignored: the mark of positions that do not count.
  ///   - blank: what black is, where values are images.
  public init(
    _ name: String, _ shape: [Int], _ scalar: Scalar = .float32, ignored: Int32? = nil,
    blank: [Float] = [0]
  ) {
    self.init(name, shape, scalar, ignored: ignored, blank: blank, white: nil)
  }

  /// As the public initialiser; `white` is what white is, where values are images.
  package init(
    _ name: String, _ shape: [Int], _ scalar: Scalar = .float32, ignored: Int32? = nil,
    blank: [Float], white: [Float]?
  ) {
    self.name = name
    self.shape = shape
    self.scalar = scalar
    self.ignored = ignored
    self.blank = blank
    self.white = white
  }

  /// The number of values of one example; `Int.max` where that is more than a number can tell.
  package var size: Int {
    var size = 1
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      if overflow { return .max }
      size = product
    }
    return size
  }

  /// The exclusive upper limit of the integers; nil where there is none, and for Float32 values.
  package var limit: Int? { if case .int32(let limit) = scalar { limit } else { nil } }

  /// Whether the values are integers.
  package var isInteger: Bool { scalar != .float32 }

  /// The first of some integers that the field cannot have; nil where all are valid.
  package func firstInvalid(_ values: UnsafeBufferPointer<Int32>) -> Int? {
    guard let limit else { return nil }
    let bound = UInt32(clamping: limit)
    // One comparison finds both negative integers and those that are too large.
    return values.firstIndex { UInt32(bitPattern: $0) >= bound && $0 != ignored }
  }
}

extension ExampleField: CustomStringConvertible {
  public var description: String {
    let type =
      switch scalar {
      case .float32: "float32"
      case .int32(nil): "int32"
      case .int32(let limit?): "int32 below \(limit)"
      }
    return "'\(name)' \(type) \(shape)"
  }
}
