/// The same values in row-major order under another shape.
package struct Reshape: Operation {
  package let shape: [Int]
  package var name: String { "reshape" }

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

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    var shape = inputs[0].shape
    try expect(shape.indices.contains(axis), "axis \(axis) is not among the axes of \(shape)")
    try expect(
      start >= 0 && count > 0 && start + count <= shape[axis],
      "\(start)..<\(start + count) is not inside axis \(axis) of \(shape)")
    shape[axis] = count
    return [TensorType(shape, inputs[0].scalar)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil] }
    // Zeros before and behind.
    let shape = call.inputs[0].shape
    func zeros(_ count: Int) -> [Tensor] {
      var part = shape
      part[axis] = count
      return count == 0 ? [] : [dy.graph.constant(0, part)]
    }
    return [
      Tensor.concatenated(
        zeros(start) + [dy] + zeros(shape[axis] - start - count), axis: axis)
    ]
  }
}

/// Tensors behind one another on one axis.
package struct Concatenate: Operation {
  package let axis: Int
  package var name: String { "concatenate" }

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
      let others = shape.enumerated().filter { $0.offset != free }.map(\.element)
      let known = TensorType(others).count
      shape[free] = known == 0 ? 0 : type.count / known
    }
    return shape == self.shape ? self : apply(Reshape(shape: shape))
  }
  /// All dimensions from `axis` on joined to one.
  public func flattened(from axis: Int = 1) -> Tensor {
    guard axis <= shape.count else {
      graph.fail("flatten: axis \(axis) is not among the axes of \(shape)")
      return self
    }
    return reshaped(to: shape[..<axis] + [shape[axis...].reduce(1, *)])
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
  /// Tensors behind one another on one axis.
  public static func concatenated(_ tensors: [Tensor], axis: Int) -> Tensor {
    precondition(!tensors.isEmpty, "nothing to concatenate")
    return tensors.count == 1
      ? tensors[0] : tensors[0].graph.apply(Concatenate(axis: axis), tensors)[0]
  }
}
