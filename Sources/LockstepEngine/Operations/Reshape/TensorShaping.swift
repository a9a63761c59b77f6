extension Tensor {
  /// The same values under another shape; one dimension may be −1 and is inferred.
  public func reshaped(to shape: [Int]) -> Tensor {
    var shape = shape
    if let free = shape.firstIndex(of: -1) {
      let known = TensorType(shape.enumerated().filter { $0.offset != free }.map(\.element)).count
      shape[free] = known == 0 ? 0 : type.count / known
    }
    return shape == self.shape ? self : apply(Reshape(shape: shape))
  }
  /// All dimensions from `axis` on joined to one.
  public func flattened(from axis: Int = 1) -> Tensor {
    guard (0...shape.count).contains(axis) else {
      graph.fail("flatten: axis \(axis) is not among the axes of \(shape)")
      return self
    }
    return reshaped(to: shape[..<axis] + [TensorType(Array(shape[axis...])).count])
  }
  /// Axis i of the result is axis `permutation[i]`; without an argument the axes are reversed.
  public func transposed(_ permutation: [Int]? = nil) -> Tensor {
    let permutation = permutation ?? shape.indices.reversed()
    return permutation == Array(shape.indices) ? self : apply(Transpose(permutation: permutation))
  }
  /// Repeats dimensions of size one; missing leading dimensions are added.
  public func broadcast(to shape: [Int]) -> Tensor {
    guard shape != self.shape else { return self }
    let missing = max(shape.count - self.shape.count, 0)
    return reshaped(to: Array(repeating: 1, count: missing) + self.shape)
      .apply(Broadcast(shape: shape))
  }
  /// The values with an index in `range` on one axis.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    apply(Slice(axis: axis, start: range.lowerBound, count: range.count))
  }
  /// Parts of the axis, one behind the other, of the sizes given; these fill the axis. PyTorch's
  /// `split`.
  ///
  /// - Returns: as many parts as sizes, whether or not they fit.
  public func split(axis: Int, sizes: [Int]) -> [Tensor] {
    let whole = shape.indices.contains(axis) ? shape[axis] : 0
    var starts: [Int] = []
    var end = 0
    for size in sizes {
      starts.append(end)
      end &+= size
    }
    guard whole > 0, sizes.allSatisfy({ $0 > 0 && $0 <= whole }), end == whole else {
      graph.fail("split: the sizes \(sizes) do not fill axis \(axis) of \(shape)")
      return sizes.map { _ in self }
    }
    return zip(starts, sizes).map { sliced(axis: axis, $0..<$0 + $1) }
  }

  /// Parts of `size` positions of the axis each, the last one of what is left. PyTorch's `split` with
  /// a number.
  public func split(axis: Int, every size: Int) -> [Tensor] {
    guard shape.indices.contains(axis), size > 0 else {
      graph.fail("split: axis \(axis) of \(shape) in parts of \(size)")
      return [self]
    }
    return stride(from: 0, to: shape[axis], by: size).map { start in
      sliced(axis: axis, start..<start + min(size, shape[axis] - start))
    }
  }

  /// Tensors behind one another on one axis. No tensor at all fails the trace in which the result is
  /// used.
  public static func concatenated(_ tensors: [Tensor], axis: Int) -> Tensor {
    guard let first = tensors.first else {
      return Graph.failed("concatenate: there is no tensor to concatenate")
    }
    return tensors.count == 1 ? first : first.graph.apply(Concatenate(axis: axis), tensors)[0]
  }
}
