// Parts of an axis, and an axis of parts: made of slices, concatenations and other shapes.

extension Tensor {
  /// The values with one index of an axis, which vanishes. PyTorch's `select`.
  public func selected(_ index: Int, axis: Int) -> Tensor {
    guard shape.indices.contains(axis), (0..<shape[axis]).contains(index) else {
      graph.fail("select: there is no index \(index) of axis \(axis) in \(shape)")
      return self
    }
    var rest = shape
    rest.remove(at: axis)
    return sliced(axis: axis, index..<index + 1).reshaped(to: rest)
  }

  /// Tensors of one shape along a new axis. No tensor at all fails the trace in which the result is used.
  /// PyTorch's `stack`.
  public static func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    guard let first = tensors.first else {
      return Graph.failed("stack: there is no tensor to stack")
    }
    guard (0...first.shape.count).contains(axis),
      tensors.allSatisfy({ $0.shape == first.shape })
    else {
      first.graph.fail(
        "stack: tensors of shapes \(tensors.map(\.shape)) along a new axis \(axis); the shapes must "
          + "be equal, and the axis one of 0...\(first.shape.count)")
      return first
    }
    var shape = first.shape
    shape.insert(1, at: axis)
    return concatenated(tensors.map { $0.reshaped(to: shape) }, axis: axis)
  }
}
