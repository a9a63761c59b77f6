/// Rows of a table by their indices: x [V, …], indices […] of Int32, result […, …].
///
/// An index outside of 0..<V gives a row of not-a-numbers, which the step's measurement of the gradient finds,
/// and never reads outside of the table. Whoever knows the data checks it first: see ``Graph/indexBounds``.
package struct GatherRows: Operation {
  /// The index whose row gets no gradient, and has no derivative; nil where all have.
  package let padding: Int?
  /// Whether the row of `padding` is read as zeros.
  package let hidesPadding: Bool
  package var name: String { "gather" }
  /// Rows are copied as they are, in Float32.
  package var precisionRole: PrecisionRole { .neutral }

  package init(padding: Int? = nil, hidesPadding: Bool = false) {
    self.padding = padding
    self.hidesPadding = hidesPadding
  }

  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (table, indices) = (inputs[0].shape, inputs[1])
    try expect(!table.isEmpty, "expects a table [count, …], got a scalar")
    try expect(
      indices.scalar == .int32, "expects indices of Int32, got Float32 values \(indices.shape)")
    if let padding {
      try expect(
        (0..<table[0]).contains(padding), "the padding index \(padding) is not in 0..<\(table[0])")
    }
    return [TensorType(indices.shape + table.dropFirst())]
  }

  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType(inputs[1].shape.map { max($0, 1) } + inputs[0].shape.dropFirst())]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [
      gradients[0]?.apply(
        ScatterRows(shape: call.inputs[0].shape, padding: padding), call.inputs[1]), nil,
    ]
  }

  /// The same rows of the table's tangent, without that of padding.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [
      tangents[0]?.apply(
        GatherRows(padding: padding, hidesPadding: padding != nil), call.inputs[1])
    ]
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let table = rows(of: inputs[0])
    let missing = inputs[0].shape.dropFirst().reduce(1, *)
    let values = inputs[1].values.flatMap { index in
      if hidesPadding, let padding, index == Double(padding) {
        return Array(repeating: 0.0, count: missing)
      }
      return index >= 0 && index < Double(table.count)
        ? table[Int(index)] : Array(repeating: .nan, count: missing)
    }
    return [HostTensor(inputs[1].shape + inputs[0].shape.dropFirst(), values)]
  }
}

/// The gradient of ``GatherRows`` by its table: each row is the sum of the gradients of the places that read
/// it, in the order of the places.
///
/// The work is that of writing the table once and adding each place's row.
package struct ScatterRows: Operation {
  /// The table's shape.
  package let shape: [Int]
  /// The index that gets nothing.
  package let padding: Int?
  package var name: String { "gradient of gather" }
  package var precisionRole: PrecisionRole { .neutral }

  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }
  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    [TensorType(shape)]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var sums = HostTensor(shape)
    let width = shape.dropFirst().reduce(1, *)
    for (place, index) in inputs[1].values.enumerated() {
      guard index >= 0, index < Double(shape[0]), index != padding.map(Double.init) else {
        continue
      }
      for column in 0..<width {
        sums.values[Int(index) * width + column] += inputs[0].values[place * width + column]
      }
    }
    return [sums]
  }
}

extension Tensor {
  /// The parts of this tensor that indices name on one axis, NumPy's `take`: with x […, V, …] and indices of
  /// any shape, the axis is replaced by the indices' axes.
  ///
  /// - Parameters:
  ///   - indices: of Int32, in 0..<V. One outside gives not-a-numbers.
  ///   - axis: the axis that the indices number.
  public func gathered(_ indices: Tensor, axis: Int = 0) -> Tensor {
    gathered(indices, axis: axis, padding: nil)
  }

  /// The same of the first axis, with an index whose row gets no gradient.
  package func gathered(_ indices: Tensor, axis: Int = 0, padding: Int?) -> Tensor {
    guard shape.indices.contains(axis) else {
      graph.fail("gather: axis \(axis) is not among the axes of \(shape)")
      return self
    }
    guard axis > 0 else { return apply(GatherRows(padding: padding), indices) }
    let axes = Array(shape.indices)
    let table = transposed([axis] + axes.filter { $0 != axis })
    let rows = table.apply(GatherRows(padding: padding), indices)
    // The indices' axes come first, and go to where the axis was.
    let count = indices.shape.count
    guard rows.shape.count == count + axes.count - 1 else { return self }
    return rows.transposed(
      Array(count..<count + axis) + Array(0..<count) + Array((count + axis)..<rows.shape.count))
  }
}

extension GatherRows: ParameterReading {
  var parameterUse: ParameterUse { .chosenFrom(heldRow: padding) }
}
