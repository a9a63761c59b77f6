/// The matrix product of the last two axes, the leading axes being equal batches.
package struct MatrixProduct: Operation {
  /// Whether the left or the right matrices are transposed first.
  package let transposeLeft: Bool
  package let transposeRight: Bool
  package var name: String { "matmul" }
  package var precisionRole: PrecisionRole { .product }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (a, b) = (inputs[0].shape, inputs[1].shape)
    try expect(
      a.count >= 2 && a.count == b.count && a.dropLast(2) == b.dropLast(2),
      "shapes \(a) and \(b) are no batches of matrices of equal number")
    let (rows, inner) =
      transposeLeft ? (a[a.count - 1], a[a.count - 2]) : (a[a.count - 2], a[a.count - 1])
    let (depth, columns) =
      transposeRight ? (b[b.count - 1], b[b.count - 2]) : (b[b.count - 2], b[b.count - 1])
    try expect(inner == depth, "the inner dimensions of \(a) and \(b) differ: \(inner), \(depth)")
    return [TensorType(a.dropLast(2) + [rows, columns])]
  }

  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    outputs[0].count * inputs[0].shape[inputs[0].shape.count - (transposeLeft ? 2 : 1)]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil] }
    let (a, b) = (call.inputs[0], call.inputs[1])
    func product(_ a: Tensor, _ ta: Bool, _ b: Tensor, _ tb: Bool) -> Tensor {
      a.apply(MatrixProduct(transposeLeft: ta, transposeRight: tb), b)
    }
    let da =
      transposeLeft
      ? product(b, transposeRight, dy, true) : product(dy, false, b, !transposeRight)
    let db =
      transposeRight
      ? product(dy, true, a, transposeLeft) : product(a, !transposeLeft, dy, false)
    return [call.needs[0] ? da : nil, call.needs[1] ? db : nil]
  }
}

extension Tensor {
  /// The matrix product over the last two axes; leading axes are equal batches.
  public func matmul(
    _ other: Tensor, transposeLeft: Bool = false, transposeRight: Bool = false
  ) -> Tensor {
    apply(MatrixProduct(transposeLeft: transposeLeft, transposeRight: transposeRight), other)
  }
}

extension MatrixProduct {
  /// The product rule.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let left = tangents[0].map { $0.apply(self, call.inputs[1]) }
    let right = tangents[1].map { call.inputs[0].apply(self, $0) }
    guard let left, let right else { return [left ?? right] }
    return [left + right]
  }
}

extension MatrixProduct {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (a, b) = (inputs[0], inputs[1])
    let axes = a.shape.count
    let (aRows, aColumns) = (a.shape[axes - 2], a.shape[axes - 1])
    let (bRows, bColumns) = (b.shape[axes - 2], b.shape[axes - 1])
    let (rows, inner) = transposeLeft ? (aColumns, aRows) : (aRows, aColumns)
    let columns = transposeRight ? bRows : bColumns
    let batches = a.shape.dropLast(2).reduce(1, *)
    var result = HostTensor(a.shape.dropLast(2) + [rows, columns])
    for batch in 0..<batches {
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = 0.0
          for k in 0..<inner {
            let left = transposeLeft ? k * aColumns + row : row * aColumns + k
            let right = transposeRight ? column * bColumns + k : k * bColumns + column
            sum +=
              a.values[batch * aRows * aColumns + left]
              * b.values[batch * bRows * bColumns + right]
          }
          result.values[(batch * rows + row) * columns + column] = sum
        }
      }
    }
    return [result]
  }
}
