/// The sum over some axes, which stay as dimensions of size one.
package struct Sum: Operation {
  package let axes: [Int]
  package var name: String { "sum" }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    try expect(inputs[0].scalar == .float32, "expects Float32 values")
    for axis in axes {
      try expect(
        shape.indices.contains(axis), "axis \(axis) is not among the axes of \(inputs[0].shape)")
      shape[axis] = 1
    }
    return [TensorType(shape)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.broadcast(to: call.inputs[0].shape)]
  }
}

extension Tensor {
  /// The sum over `axes` (all of them by default), which vanish unless `keepDimensions`.
  public func sum(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    let axes = axes ?? Array(shape.indices)
    guard !axes.isEmpty else { return self }
    let sum = apply(Sum(axes: axes))
    guard !keepDimensions else { return sum }
    return sum.reshaped(to: shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
  }
  /// The arithmetic mean over `axes` (all of them by default).
  public func mean(_ axes: [Int]? = nil, keepDimensions: Bool = false) -> Tensor {
    let axes = axes ?? Array(shape.indices)
    let count = axes.filter(shape.indices.contains).reduce(1) { $0 * shape[$1] }
    return sum(axes, keepDimensions: keepDimensions).affine(scale: 1 / Float(count), shift: 0)
  }
  /// The transpose of a broadcast: sums until the shape is `shape`.
  package func sumReduced(to shape: [Int]) -> Tensor {
    guard shape != self.shape else { return self }
    let missing = self.shape.count - shape.count
    let padded = Array(repeating: 1, count: missing) + shape
    let axes = padded.indices.filter { padded[$0] == 1 && self.shape[$0] != 1 }
    return sum(axes, keepDimensions: true).reshaped(to: shape)
  }
}
