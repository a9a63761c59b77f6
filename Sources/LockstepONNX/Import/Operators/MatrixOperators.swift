import LockstepEngine

extension Operators {
  /// Products of matrices.
  static func matrices(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "MatMul": try product(call)
    case "Gemm": try general(call)
    default: nil
    }
  }

  private static func product(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let a = try call.batched(0)
    // Rows times a weight are a linear map, to which a bias may be added.
    if case .turned(let weight) = try call.value(1), a.shape.count >= 2 {
      guard a.shape.last == weight.shape[1] else {
        throw GraphError("rows of \(a.shape) are multiplied with a weight \(weight.shape)")
      }
      return [.product(x: a, weight: weight)]
    }
    let b = try call.batched(1)
    try call.requireFloats(a, b)
    guard a.shape.count >= 2, b.shape.count >= 2 else {
      throw GraphError(
        "it multiplies tensors of shapes \(a.shape) and \(b.shape); vectors are not taken")
    }
    if b.shape.count == 2, a.shape.count > 2 {
      return one(a.tensor.linear(b.tensor.transposed([1, 0])), like: a)
    }
    return [.tensor(try multiplied(a, b))]
  }

  /// Batches of matrices, of which the leading axes are broadcast.
  private static func multiplied(
    _ a: BatchedTensor, _ b: BatchedTensor
  ) throws(GraphError) -> BatchedTensor {
    let (left, right) = (Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
    let rank = max(left.count, right.count)
    func padded(_ shape: [Int]) -> [Int] {
      Array(repeating: 1, count: rank - shape.count) + shape
    }
    let pairs = zip(padded(left), padded(right))
    guard pairs.allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else {
      throw GraphError("matrices of \(a.shape) and \(b.shape) are no pairs")
    }
    let leading = pairs.map { max($0, $1) }
    func spread(_ x: BatchedTensor) -> Tensor {
      x.tensor.broadcast(to: leading + x.shape.suffix(2))
    }
    return BatchedTensor(spread(a).matmul(spread(b)), place(of: [a, b]))
  }

  private static func general(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let (alpha, beta) = (call.float("alpha", 1), call.float("beta", 1))
    let x = try call.batched(0)
    guard x.shape.count == 2 else { throw GraphError("expects a matrix, got \(x.shape)") }
    let rows = call.integer("transA", 0) == 1 ? x.tensor.transposed([1, 0]) : x.tensor
    // A weight [out, in], as PyTorch and the engine have it.
    let weight: Tensor
    switch (try call.value(1), call.integer("transB", 0)) {
    case (.turned(let matrix), 0): weight = matrix
    case (.turned(let matrix), _): weight = matrix.transposed([1, 0])
    case (_, 1): weight = try call.tensor(1)
    default: weight = try call.tensor(1).transposed([1, 0])
    }
    let bias: Tensor? = try call.has(2) ? call.tensor(2) : nil
    if alpha == 1, beta == 1, let bias, bias.shape == [weight.shape[0]] {
      return one(rows.linear(weight, bias), like: x)
    }
    let product = rows.linear(weight)
    let scaled = alpha == 1 ? product : product * alpha
    guard let bias else { return one(scaled, like: x) }
    return one(scaled + (beta == 1 ? bias : bias * beta), like: x)
  }
}
