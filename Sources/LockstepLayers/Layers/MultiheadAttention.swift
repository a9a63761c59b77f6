import LockstepCatalog
public import LockstepEngine

/// Attention by several heads: every position of a sequence gathers what it needs from all others.
///
/// Queries, keys and values are linear maps of [N, T, width]; each of `heads` parts of the width attends by
/// itself, softmax(Q Kᵀ / √(width / heads)) V, and the results are mapped once more. Parameters:
/// `in_proj_weight` [3 · width, width] (queries, keys, values), `in_proj_bias` [3 · width], `out_proj.weight`
/// [width, width], `out_proj.bias` [width], as PyTorch names and draws them: the first from Glorot's uniform
/// distribution, biases 0.
///
/// It is PyTorch's `MultiheadAttention(embed_dim, num_heads, dropout, bias, batch_first=True)`. Lengths take the
/// place of `key_padding_mask`; weights are not returned.
///
/// Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
public struct MultiheadAttention: StandardLayer, CustomReflectable {
  package let ownIdentity = LayerIdentity()
  /// The number of values of a position; PyTorch's `embed_dim`.
  package let width: Int
  /// The number of heads, which divides the width.
  package let heads: Int
  /// The rate of dropout of the attention's probabilities, in 0..<1.
  package let dropout: Float
  /// Whether biases are added.
  package let bias: Bool
  /// Whether a position sees itself and those before it alone.
  package let isCausal: Bool
  /// How queries and keys are turned by their positions; nil for not at all.
  package let rotary: RotaryPositions?
  /// The linear map behind the heads.
  package let outProjection: Linear

  /// Makes a layer with the arguments of PyTorch's `MultiheadAttention`; heads that do not divide the width fail
  /// the trace.
  public init(
    _ width: Int, heads: Int, dropout: Float = 0, bias: Bool = true, isCausal: Bool = false,
    rotary: RotaryPositions? = nil
  ) {
    self.width = width
    self.heads = heads
    self.dropout = dropout
    self.bias = bias
    self.isCausal = isCausal
    self.rotary = rotary
    outProjection = Linear(width, width, bias: bias, biasInitializer: ConstantInitializer(0))
  }

  /// PyTorch's name of the map behind the heads.
  public var customMirror: Mirror {
    Mirror(self, children: ["out_proj": outProjection], displayStyle: .struct)
  }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    attend(input, nil, lengths: visible(input, scope), scope)
  }

  /// The attention of a sequence to itself, of which only the first positions are seen: `lengths` [N], Int32, says
  /// how many of each example.
  public func callAsFunction(_ input: Tensor, lengths: Tensor?) -> Tensor {
    call(on: input) { attend(input, nil, lengths: lengths ?? visible(input, $0), $0) }
  }

  /// How many positions of each example are seen; nil for all. A position that sees those before it alone
  /// never sees padding.
  private func visible(_ input: Tensor, _ scope: LayerScope) -> Tensor? {
    let lengths = scope.lengths(of: input)
    return isCausal ? nil : lengths
  }

  /// The attention of `query` [N, T, width] to `key` [N, S, width] with `value` [N, S, width], of which the first
  /// `lengths` [N] positions are seen.
  public func callAsFunction(
    _ query: Tensor, key: Tensor, value: Tensor, lengths: Tensor? = nil
  ) -> Tensor {
    call(on: query) { attend(query, (key, value), lengths: lengths, $0) }
  }

  private func attend(
    _ query: Tensor, _ others: (key: Tensor, value: Tensor)?, lengths: Tensor?, _ scope: LayerScope
  ) -> Tensor {
    guard isPossible(scope, [query] + (others.map { [$0.key, $0.value] } ?? [])) else {
      return query
    }
    let weight = scope.parameter(
      "in_proj_weight", [3 * width, width], VarianceScaling.glorot())
    let shift =
      bias ? scope.parameter("in_proj_bias", [3 * width], ConstantInitializer(0)) : nil
    let key = scope.attentionDropoutKey(dropout)
    guard let others else {
      let packed = query.linear(weight, shift)
      let turned = rotary?.rotated(packed, headWidth: width / heads, columns: 2 * width) ?? packed
      return outProjection(
        turned.selfAttention(
          heads: heads, isCausal: isCausal, lengths: lengths, dropoutRate: dropout,
          dropoutKey: key))
    }
    let weights = weight.split(axis: 0, every: width)
    let shifts = shift?.split(axis: 0, every: width)
    func mapped(_ input: Tensor, _ part: Int) -> Tensor {
      let result = input.linear(weights[part], shifts?[part])
      guard part < 2, let rotary else { return result }
      return rotary.rotated(result, headWidth: width / heads, columns: width)
    }
    return outProjection(
      mapped(query, 0).attention(
        keys: mapped(others.key, 1), values: mapped(others.value, 2), heads: heads,
        isCausal: isCausal, lengths: lengths, dropoutRate: dropout, dropoutKey: key))
  }

  private func isPossible(_ scope: LayerScope, _ inputs: [Tensor]) -> Bool {
    guard
      scope.require(
        width > 0 && width <= 1 << 20, "the width must be from 1 to \(1 << 20), got \(width)"),
      scope.require(
        heads > 0 && width % heads == 0, "\(heads) heads do not divide the width \(width)"),
      scope.require(
        dropout >= 0 && dropout < 1, "the rate of dropout must be in 0..<1, got \(dropout)")
    else { return false }
    return inputs.allSatisfy { input in
      scope.require(
        input.shape.count == 3 && input.shape[2] == width,
        "expects an input [N, T, \(width)], got \(input.shape)")
    }
  }
}

extension MultiheadAttention {
  package static let entry = Entry<any Model>(
    "MultiheadAttention", "attention of a sequence [N, T, width] to itself",
    .attention + [
      .with("dropout", .dropoutRate, 0, "the rate of dropout of probabilities")
    ]
  ) { values in
    MultiheadAttention(
      values["width"], heads: values["heads"], dropout: values["dropout"], bias: values["bias"],
      isCausal: values["causal"], rotary: values.rotary)
  }
}

extension [Hyperparameter] {
  /// Of layers with an attention.
  static var attention: Self {
    [
      .required("width", .integer(1...1 << 20), "the number of values of a position"),
      .required("heads", .integer(1...1 << 20), "their number, which divides the width"),
      .with("bias", .boolean, true, "whether biases are added"),
      .with("causal", .boolean, false, "whether a position sees itself and those before alone"),
      .optional(
        "rotary", .object { RotaryPositions.form },
        "turns queries and keys by their positions, with `base` (10000) and `pairing` "
          + "(neighbours, halves)", absence: "no turn"),
    ]
  }
}

extension LayerScope {
  /// Tells the dropout of an attention's probabilities from those of others, and one call from another.
  func attentionDropoutKey(_ rate: Float) -> UInt32 {
    guard rate != 0, training else { return 0 }
    let earlier = graph.nodes.count { $0.scope == graph.scope && $0.operation is Attention }
    return stableHash(dotted(earlier == 0 ? "dropout" : "dropout.\(earlier)"))
  }
}
