/// The same values in row-major order under another shape.
package struct Reshape: Operation {
  package let shape: [Int]
  package var name: String { "reshape" }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(shape, inputs[0].scalar)]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let result = TensorType(shape, inputs[0].scalar)
    try expect(
      shape.allSatisfy { $0 >= 0 } && result.count == inputs[0].count,
      "\(inputs[0].shape) has \(inputs[0].count) values, which do not fill \(shape)")
    return [result]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.reshaped(to: call.inputs[0].shape)]
  }
}

/// Axis i of the result is axis `permutation[i]` of the input.
package struct Transpose: Operation {
  package let permutation: [Int]
  package var name: String { "transpose" }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      permutation.sorted() == Array(inputs[0].shape.indices),
      "\(permutation) is no permutation of the axes of \(inputs[0].shape)")
    return [TensorType(permutation.map { inputs[0].shape[$0] }, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    var inverse = permutation
    for (to, from) in permutation.enumerated() { inverse[from] = to }
    return [gradients[0]?.transposed(inverse)]
  }
}

/// Repeats dimensions of size one.
package struct Broadcast: Operation {
  package let shape: [Int]
  package var name: String { "broadcast" }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(shape, inputs[0].scalar)]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape.count == shape.count
        && zip(inputs[0].shape, shape).allSatisfy { $0 == $1 || $0 == 1 },
      "\(inputs[0].shape) does not broadcast to \(shape)")
    return [TensorType(shape, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.sumReduced(to: call.inputs[0].shape)]
  }
}

/// The values with index `start..<start + count` on one axis.
package struct Slice: Operation {
  package let axis: Int
  package let start: Int
  package let count: Int
  package var name: String { "slice" }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    try expect(shape.indices.contains(axis), "axis \(axis) is not among the axes of \(shape)")
    try expect(
      start >= 0 && count > 0 && count <= shape[axis] && start <= shape[axis] - count,
      "\(start)..<\(start &+ count) is not inside axis \(axis) of \(shape)")
    shape[axis] = count
    return [TensorType(shape, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0].map { padded($0, to: call.inputs[0].shape) }]
  }

  /// A part of the slice's shape as the whole, zeros before and behind.
  func padded(_ part: Tensor, to shape: [Int]) -> Tensor {
    func zeros(_ count: Int) -> [Tensor] {
      var size = shape
      size[axis] = count
      return count == 0 ? [] : [part.graph.constant(0, size)]
    }
    return Tensor.concatenated(
      zeros(start) + [part] + zeros(shape[axis] - start - count), axis: axis)
  }
}

/// Tensors behind one another on one axis.
package struct Concatenate: Operation {
  package let axis: Int
  package var name: String { "concatenate" }
  package func acceptsIntegers(_ input: Int) -> Bool { true }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    guard let first = inputs.first else { throw GraphError("nothing to concatenate") }
    var shape = first.shape
    try expect(shape.indices.contains(axis), "axis \(axis) is not among the axes of \(shape)")
    for input in inputs.dropFirst() {
      try expect(
        input.shape.count == shape.count && input.scalar == first.scalar
          && shape.indices.allSatisfy { $0 == axis || input.shape[$0] == shape[$0] },
        "shapes \(first.shape) and \(input.shape) differ beside axis \(axis)")
      shape[axis] += input.shape[axis]
    }
    return [TensorType(shape, first.scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    var start = 0
    return call.inputs.enumerated().map { index, input in
      defer { start += input.shape[axis] }
      return call.needs[index]
        ? dy.sliced(axis: axis, start..<start + input.shape[axis]) : nil
    }
  }
}

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
