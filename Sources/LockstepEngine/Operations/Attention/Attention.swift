/// Scaled dot-product attention: each row of y is a mean of the values, weighted by how well its query
/// agrees with their keys.
///
/// Of each head, with Q [T, D], K [S, D], V [S, D]: Y = (F ∘ P) V, P = softmax(Q Kᵀ / √D) by rows, over the keys
/// that a query sees. F is the factor of dropout, 1 without it. Heads lie one behind the other in rows of
/// `heads` · D values. Inputs: [N, T, 3 · heads · D] with queries, keys and values behind one another, or three
/// tensors [N, T, heads · D], [N, S, heads · D], [N, S, heads · D]; then, if there are any, lengths [N], Int32: how
/// many keys of each example there are. Results: y [N, T, heads · D], and [N, heads, T, 2]: each row's largest
/// score Q Kᵀ, and 1 / Σ e^((score − largest) / √D). No gradient flows through the second.
///
/// A query that sees no key gets zeros. A length outside 0...S makes its example not-a-number.
///
/// Sources: A. Vaswani et al., "Attention is all you need", NeurIPS 2017; that scores are made block by block
/// and once more for the gradient: T. Dao et al., "FlashAttention", NeurIPS 2022.
package struct Attention: Operation {
  package let heads: Int
  /// Whether the query at t sees the keys at 0...t alone.
  package let isCausal: Bool
  /// Whether queries, keys and values are parts of one input.
  package let isPacked: Bool
  /// The dropout of P; an element's index in its example is that in [heads, T, S].
  package let dropout: Dropout?

  package var name: String { "attention" }
  package var precisionRole: PrecisionRole { .exact }
  package var outputCount: Int { 2 }

  /// How many inputs hold queries, keys and values.
  var operandCount: Int { isPacked ? 1 : 3 }

  package func acceptsIntegers(_ input: Int) -> Bool { input == operandCount }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let operands = inputs.prefix(operandCount).map(\.shape)
    let shape = operands[0]
    try expect(shape.count == 3, "expects an input [N, T, width], got \(shape)")
    let parts = isPacked ? 3 : 1
    try expect(
      shape[2] % parts == 0,
      "queries, keys and values do not share the \(shape[2]) values of a row of \(shape)")
    let width = shape[2] / parts
    try expect(
      heads > 0 && width % heads == 0, "\(heads) heads do not divide the width \(width)")
    if !isPacked {
      let (keys, values) = (operands[1], operands[2])
      try expect(
        keys.count == 3 && keys[0] == shape[0] && keys[2] == width && values == keys,
        "expects keys and values [\(shape[0]), S, \(width)], got \(keys) and \(values)")
    }
    let sizes = Sizes(self, inputs)
    let largest = Int(Int32.max)
    try expect(
      sizes.keys <= largest, "more than \(largest) keys, got \(sizes.keys)")
    if let dropout {
      _ = try dropout.infer([inputs[0]])
      let count = TensorType([heads, sizes.queries, sizes.keys]).count
      try expect(
        count <= 1 << 34, "dropout of more than 2³⁴ probabilities of an example, got \(count)")
    }
    if inputs.count > operandCount {
      let lengths = inputs[operandCount]
      try expect(
        lengths == TensorType([shape[0]], .int32),
        "expects lengths [\(shape[0])] of Int32, got \(lengths.shape) of \(lengths.scalar)")
    }
    return [
      TensorType([shape[0], sizes.queries, width]),
      TensorType([shape[0], heads, sizes.queries, 2]),
    ]
  }

  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [inputs[0], TensorType([])] }

  /// The sizes of operands that the inference has accepted.
  struct Sizes {
    let examples: Int
    let queries: Int
    let keys: Int
    /// The values of a row of queries.
    let width: Int

    init(_ attention: Attention, _ inputs: [TensorType]) {
      let (first, last) = (inputs[0].shape, inputs[attention.operandCount - 1].shape)
      (examples, queries, keys) = (first[0], first[1], last[1])
      width = attention.isPacked ? first[2] / 3 : first[2]
    }
  }

  /// Scores and means of the keys that queries see.
  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    let sizes = Sizes(self, inputs)
    let seen = isCausal ? (sizes.keys + 1) / 2 : sizes.keys
    return 2 * sizes.examples * sizes.queries * seen * sizes.width
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return call.inputs.map { _ in nil } }
    let parts = dy.graph.apply(
      AttentionGradient(attention: self), [dy] + call.outputs + call.inputs)
    return parts + call.inputs.dropFirst(operandCount).map { _ in nil }
  }

  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let operands = call.inputs.prefix(operandCount)
    let movements = zip(operands, tangents).map { operand, tangent in
      tangent ?? operand.graph.constant(0, operand.shape)
    }
    let lengths = call.inputs.dropFirst(operandCount)
    let result = operands[0].graph.apply(
      AttentionTangent(attention: self), [call.outputs[1]] + operands + movements + lengths)
    return [result[0], nil]
  }
}

/// The gradients of an attention by its operands, from dy, y, the statistics and the attention's inputs.
///
/// With the probabilities P made once more: G = F ∘ (dY Vᵀ), dS = P ∘ (G − Σ P ∘ G) / √D, sums being over rows;
/// dQ = dS K, dK = dSᵀ Q, dV = (F ∘ P)ᵀ dY.
package struct AttentionGradient: Operation {
  package let attention: Attention
  package var name: String { "gradient of attention" }
  package var precisionRole: PrecisionRole { .exact }
  package var outputCount: Int { attention.operandCount }
  package func acceptsIntegers(_ input: Int) -> Bool { attention.acceptsIntegers(input - 3) }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    Array(inputs[3..<3 + attention.operandCount])
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

/// The tangent of an attention's result, from the statistics, the operands, their movements, and lengths.
///
/// Ṡ = (Q̇ Kᵀ + Q K̇ᵀ) / √D, Ṗ = P ∘ (Ṡ − Σ P ∘ Ṡ), Ẏ = (F ∘ Ṗ) V + (F ∘ P) V̇.
package struct AttentionTangent: Operation {
  package let attention: Attention
  package var name: String { "tangent of attention" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 + 2 * attention.operandCount }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let sizes = Attention.Sizes(attention, Array(inputs.dropFirst()))
    return [TensorType([sizes.examples, sizes.queries, sizes.width])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

extension Tensor {
  /// The attention of a sequence to itself: [N, T, 3 · width], queries, keys and values of each position behind
  /// one another, to [N, T, width].
  ///
  /// PyTorch's `scaled_dot_product_attention` on each of `heads` parts of the width, scaled by
  /// 1/√(width / heads).
  ///
  /// - Parameters:
  ///   - heads: the number of parts, which divides the width.
  ///   - isCausal: whether a position sees itself and those before it alone.
  ///   - lengths: how many positions of each example there are, Int32 [N]; those behind are not seen. A
  ///     length outside 0...T makes the example's result not-a-number.
  ///   - dropoutRate: the rate of dropout of the probabilities, while the model is traced for training.
  ///   - dropoutKey: tells one dropout of a model from another.
  public func selfAttention(
    heads: Int, isCausal: Bool = false, lengths: Tensor? = nil, dropoutRate: Float = 0,
    dropoutKey: UInt32 = 0
  ) -> Tensor {
    if isCausal, lengths == nil, let result = continuedAttention(heads) { return result }
    return attention([], heads, isCausal, lengths, rate: dropoutRate, key: dropoutKey)
  }

  /// The same where other runs compute positions before or behind: keys and values are kept, and a position
  /// behind others looks at those of all so far. Nil where the sequence is one by itself.
  private func continuedAttention(_ heads: Int) -> Tensor? {
    guard graph.keepsRows, shape.count == 3, shape[2] > 0, shape[2] % 3 == 0 else {
      return nil
    }
    let parts = split(axis: 2, every: shape[2] / 3)
    let (keys, values) = (graph.keep(parts[1]), graph.keep(parts[2]))
    return graph.lengthSoFar.map {
      parts[0].attention(keys: keys, values: values, heads: heads, lengths: $0)
    }
  }

  /// The attention of queries [N, T, width] to keys [N, S, width] with values [N, S, width], to [N, T, width];
  /// see ``selfAttention(heads:isCausal:lengths:dropoutRate:dropoutKey:)``. Lengths count keys, from 0 to S;
  /// where it is causal, the query at t sees the keys at 0...t, as in PyTorch.
  public func attention(
    keys: Tensor, values: Tensor, heads: Int, isCausal: Bool = false, lengths: Tensor? = nil,
    dropoutRate: Float = 0, dropoutKey: UInt32 = 0
  ) -> Tensor {
    attention([keys, values], heads, isCausal, lengths, rate: dropoutRate, key: dropoutKey)
  }

  private func attention(
    _ others: [Tensor], _ heads: Int, _ isCausal: Bool, _ lengths: Tensor?, rate: Float, key: UInt32
  ) -> Tensor {
    let dropout = graph.training && rate != 0 ? Dropout(rate: rate, key: key) : nil
    let operation = Attention(
      heads: heads, isCausal: isCausal, isPacked: others.isEmpty, dropout: dropout)
    return graph.apply(operation, [self] + others + (lengths.map { [$0] } ?? []))[0]
  }
}
