/// How a kernel slides over the two spatial axes: (rows, columns) each.
public struct Window: Sendable, Equatable {
  /// The largest number in a window: products of two stay inside of an `Int`.
  static let limit = Int(Int32.max)

  /// The kernel's size.
  package var kernel: [Int]
  /// The steps that the kernel slides by, in positions.
  package var strides: [Int]
  /// Zeros added before the first row and column, in positions.
  package var paddingLow: [Int]
  /// Zeros added behind the last row and column.
  package var paddingHigh: [Int]
  /// The distance of a kernel's taps: 1 is dense.
  package var dilations: [Int]

  /// Makes a window with the same padding before and behind.
  public init(
    kernel: [Int], strides: [Int] = [1, 1], padding: [Int] = [0, 0], dilations: [Int] = [1, 1]
  ) {
    self.kernel = kernel
    self.strides = strides
    self.paddingLow = padding
    self.paddingHigh = padding
    self.dilations = dilations
  }

  /// Pads so that a stride of one keeps the size ("same"); for even kernels the extra position is
  /// behind, as in PyTorch.
  public static func same(
    kernel: [Int], strides: [Int] = [1, 1], dilations: [Int] = [1, 1]
  ) -> Window {
    var window = Window(kernel: kernel, strides: strides, dilations: dilations)
    // What is no window is refused where it is used.
    guard [kernel, dilations].allSatisfy({ $0.count == 2 && $0.allSatisfy(possible.contains) })
    else { return window }
    for axis in 0..<2 {
      // Where that is too large, ``outputSize(_:)`` says so.
      let (total, overflow) = dilations[axis].multipliedReportingOverflow(by: kernel[axis] - 1)
      if overflow { continue }
      window.paddingLow[axis] = total / 2
      window.paddingHigh[axis] = total - total / 2
    }
    return window
  }

  /// The sizes that a window can have, whose products still fit Int.
  private static let possible = 1...1 << 30

  /// The spatial size of the result for an input [N, C, H, W].
  package func outputSize(_ shape: [Int]) throws(GraphError) -> [Int] {
    try expect(shape.count == 4, "expects an input [N, C, H, W], got \(shape)")
    for list in [kernel, strides, dilations] {
      try expect(
        list.count == 2 && list.allSatisfy(Self.possible.contains),
        "kernel, strides and dilations are two positive numbers each, up to "
          + "\(Self.possible.upperBound), got \(list)")
    }
    for list in [paddingLow, paddingHigh] {
      try expect(
        list.count == 2 && list.allSatisfy { $0 == 0 || Self.possible.contains($0) },
        "padding is two numbers that are not negative, up to \(Self.possible.upperBound), got "
          + "\(list)")
    }
    for (what, list) in [
      ("kernel", kernel), ("stride", strides), ("dilation", dilations), ("padding", paddingLow),
      ("padding", paddingHigh),
    ] {
      try expect(
        list.allSatisfy { $0 <= Self.limit }, "the \(what) \(list) is larger than \(Self.limit)")
    }
    var size: [Int] = []
    for axis in 0..<2 {
      let reach = dilations[axis] * (kernel[axis] - 1) + 1
      let room = shape[2 + axis] + paddingLow[axis] + paddingHigh[axis] - reach
      try expect(
        room >= 0,
        "a kernel that reaches over \(reach) does not fit into \(shape[2 + axis]) plus padding \(paddingLow[axis]) and \(paddingHigh[axis])"
      )
      size.append(room / strides[axis] + 1)
    }
    return size
  }
}

extension Window {
  /// The output size for an input shape that the shape inference has accepted.
  func size(for shape: [Int]) -> [Int] {
    (0..<2).map { axis in
      let reach = dilations[axis] * (kernel[axis] - 1) + 1
      return (shape[2 + axis] + paddingLow[axis] + paddingHigh[axis] - reach) / strides[axis] + 1
    }
  }

  /// Calls `body` for every place of the kernel and each of its taps inside the plane, with the flat
  /// indices in the input plane, the kernel and the output plane.
  func forEachTap(
    _ height: Int, _ width: Int, _ body: (_ position: Int, _ tap: Int, _ place: Int) -> Void
  ) {
    let size = size(for: [1, 1, height, width])
    for placeRow in 0..<size[0] {
      for placeColumn in 0..<size[1] {
        for tapRow in 0..<kernel[0] {
          let row = placeRow * strides[0] + tapRow * dilations[0] - paddingLow[0]
          guard row >= 0 && row < height else { continue }
          for tapColumn in 0..<kernel[1] {
            let column = placeColumn * strides[1] + tapColumn * dilations[1] - paddingLow[1]
            guard column >= 0 && column < width else { continue }
            body(
              row * width + column, tapRow * kernel[1] + tapColumn,
              placeRow * size[1] + placeColumn)
          }
        }
      }
    }
  }
}
