import LockstepCatalog
import LockstepEngine

// A sequence as an image of one row: what 1-D convolutions and pooling have in common.

extension Padding {
  /// The window of a kernel that slides along one row; nil after failing the trace.
  func row(
    kernel: Int, stride: Int, dilation: Int, _ scope: LayerScope
  ) -> Window? {
    var along = self
    if case .explicit(let pair) = self {
      guard
        scope.require(
          pair != .notAPair && pair.rows == pair.columns,
          "the padding of a sequence is one number, got \(pair.list)")
      else { return nil }
      along = .explicit(SpatialPair(0, pair.columns))
    }
    return along.window(
      kernel: SpatialPair(1, kernel), stride: SpatialPair(1, stride),
      dilation: SpatialPair(1, dilation), scope)
  }
}

extension Tensor {
  /// Applies a function of images to [N, C, L] as images of one row.
  func asRow(_ body: (Tensor) -> Tensor) -> Tensor {
    let image = body(reshaped(to: [shape[0], shape[1], 1, shape[2]]))
    guard !graph.hasFailed, image.shape.count == 4 else { return self }
    return image.reshaped(to: [image.shape[0], image.shape[1], image.shape[3]])
  }
}

extension Hyperparameter {
  static var rowPadding: Self {
    .with(
      "padding", .either(.choice(["valid", "same"]), .integer(0...Int(Int32.max))), "valid",
      "what is added before and behind the input")
  }
}
