import LockstepCatalog
public import LockstepEngine

/// A language model like GPT-2: from the tokens so far to the logits of each next one.
///
/// Tokens [N, T] of Int32 become vectors, with a learned vector for each position added; `layers` blocks of causal
/// attention and a perceptron follow, norms in front; then a norm, and the products with the vectors of all tokens:
/// [N, T, vocabulary]. The token vectors are used twice, at both ends, and their gradients are added.
///
/// Names and layouts are nanoGPT's: `transformer.wte.weight` [vocabulary, width], `transformer.wpe.weight` [context,
/// width], `transformer.h.0.ln_1`, `transformer.h.0.attn.c_attn`, `….attn.c_proj`, `….ln_2`, `….mlp.c_fc`,
/// `….mlp.c_proj`, `transformer.ln_f`. Its `lm_head.weight` is `transformer.wte.weight`. The weights of GPT-2 as
/// OpenAI published them have the same names; `c_attn`, `c_proj` and `c_fc` are transposed there ([in, out]), and
/// their activation is the tanh form.
///
/// Weights are drawn as in nanoGPT: from a normal distribution with a deviation of 0.02, those of `c_proj` divided by
/// √(2 · layers); biases are 0.
///
/// Sources: A. Radford et al., "Language models are unsupervised multitask learners", 2019; O. Press, L. Wolf, "Using
/// the output embedding to improve language models", EACL 2017.
public struct GPT: Model, CustomReflectable {
  /// The vectors of tokens.
  private let tokens: TokenTable
  private let positions: LearnedPositions
  private let dropout: Dropout
  private let blocks: [GPTBlock]
  private let norm: LayerNorm
  private let problem: String?

  /// Makes a model.
  ///
  /// - Parameters:
  ///   - vocabulary: the number of tokens that there are.
  ///   - context: the most positions that a sequence can have; nanoGPT's `block_size`.
  ///   - width: the number of values of a position; `n_embd`.
  ///   - layers: the number of blocks; `n_layer`.
  ///   - heads: the number of heads of each block, which divides the width; `n_head`.
  ///   - dropout: the rate of dropout of the sum of vectors, of probabilities, and of what blocks add.
  ///   - bias: whether linear maps and norms have biases.
  ///   - activation: the perceptrons' function; ``GELU/Approximation/tanh`` as in GPT-2.
  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, dropout: Float = 0,
    bias: Bool = true, activation: GELU.Approximation = .none
  ) {
    let limit = 1 << 20
    problem =
      [("vocabulary", vocabulary), ("context", context), ("width", width), ("heads", heads)]
      .first { !(1...limit).contains($1) }
      .map { "a GPT's \($0.0) is from 1 to \(limit), got \($0.1)" }
      ?? ((1...1000).contains(layers) ? nil : "a GPT's layers are from 1 to 1000, got \(layers)")
    let plain = NormalInitializer(standardDeviation: 0.02)
    tokens = TokenTable(count: vocabulary, width: width, weightInitializer: plain)
    positions = LearnedPositions(context, weightInitializer: plain)
    self.dropout = Dropout(dropout)
    let shape = GPTBlock.Shape(
      width: problem == nil ? width : 1, heads: heads, layers: layers, dropout: dropout,
      bias: bias, activation: activation)
    blocks = (0..<(problem == nil ? layers : 0)).map { _ in GPTBlock(shape) }
    norm = LayerNorm(bias: bias)
  }

  /// The layers under nanoGPT's names.
  public var customMirror: Mirror {
    let parts = NamedParts([
      "wte": tokens, "wpe": positions, "drop": dropout, "h": blocks, "ln_f": norm,
    ])
    return Mirror(self, children: ["transformer": parts], displayStyle: .struct)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let problem { input.graph.fail(problem) }
    let vectors = dropout(positions(tokens(input)))
    return tokens.logits(of: norm(blocks.reduce(vectors) { $1($0) }))
  }
}

extension GPT {
  package static let entry = Entry<any Model>(
    "gpt", "a language model like GPT-2, with nanoGPT's names",
    [
      .vocabulary, .with("context", limit, 256, "the most positions of a sequence"),
      .with("width", limit, 384, "the number of values of a position"),
      .with("layers", .integer(1...1000), 6, "the number of blocks"),
      .with("heads", limit, 6, "the heads of each block; they divide the width"),
      .with("dropout", .dropoutRate, 0, "the rate of all dropouts"),
      .with("bias", .boolean, true, "whether linear maps and norms have biases"),
      .with("activation", GELU.Approximation.none, "the perceptrons' GELU; tanh as in GPT-2"),
    ]
  ) { values in
    GPT(
      vocabulary: values["vocabulary"], context: values["context"], width: values["width"],
      layers: values["layers"], heads: values["heads"], dropout: values["dropout"],
      bias: values["bias"], activation: values["activation"])
  }

  private static let limit = HyperparameterKind.integer(1...1 << 20)
}

/// The vectors of tokens, read by index, and multiplied with at the other end.
private struct TokenTable: Layer {
  let identity = LayerIdentity()
  let count: Int
  let width: Int
  let weightInitializer: NormalInitializer

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      scope.require(
        input.shape.count == 2 && input.type.scalar == .int32,
        "expects tokens [N, T] of Int32, got \(input.shape) of \(input.type.scalar)")
    else { return input }
    return weight(scope).gathered(input)
  }

  /// x · weightᵀ.
  func logits(of x: Tensor) -> Tensor { call(on: x) { x.linear(weight($0)) } }

  private func weight(_ scope: LayerScope) -> Tensor {
    scope.parameter("weight", [count, width], weightInitializer)
  }
}

/// A block of a GPT: x + attention(norm(x)), and then x + perceptron(norm(x)).
private struct GPTBlock: Model, CustomReflectable {
  struct Shape {
    let width: Int
    let heads: Int
    let layers: Int
    let dropout: Float
    let bias: Bool
    let activation: GELU.Approximation

    func linear(_ inputs: Int, _ outputs: Int, isResidual: Bool = false) -> Linear {
      let deviation = 0.02 / (isResidual ? (2 * Float(layers)).squareRoot() : 1)
      return Linear(
        inputs, outputs, bias: bias,
        weightInitializer: NormalInitializer(standardDeviation: deviation),
        biasInitializer: ConstantInitializer(0))
    }
  }

  let norm1: LayerNorm
  let attention: CausalAttention
  let norm2: LayerNorm
  let expansion: Linear
  let activation: GELU
  let projection: Linear
  let dropout: Dropout

  init(_ shape: Shape) {
    norm1 = LayerNorm(bias: shape.bias)
    attention = CausalAttention(shape)
    norm2 = LayerNorm(bias: shape.bias)
    expansion = shape.linear(shape.width, 4 * shape.width)
    activation = GELU(shape.activation)
    projection = shape.linear(4 * shape.width, shape.width, isResidual: true)
    dropout = Dropout(shape.dropout)
  }

  var customMirror: Mirror {
    let perceptron = NamedParts([
      "c_fc": expansion, "gelu": activation, "c_proj": projection, "dropout": dropout,
    ])
    return Mirror(
      self,
      children: ["ln_1": norm1, "attn": attention, "ln_2": norm2, "mlp": perceptron],
      displayStyle: .struct)
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    guard !input.graph.hasFailed else { return input }
    let attended = attention(norm1(input))
    guard !input.graph.hasFailed else { return input }
    let x = input + attended
    return x + dropout(projection(activation(expansion(norm2(x)))))
  }
}

/// A position's attention to itself and those before it, as a layer of a GPT.
private struct CausalAttention: Layer, CustomReflectable {
  let identity = LayerIdentity()
  let shape: GPTBlock.Shape
  let attention: Linear
  let projection: Linear
  let dropout: Dropout

  init(_ shape: GPTBlock.Shape) {
    self.shape = shape
    attention = shape.linear(shape.width, 3 * shape.width)
    projection = shape.linear(shape.width, shape.width, isResidual: true)
    dropout = Dropout(shape.dropout)
  }

  var customMirror: Mirror {
    Mirror(
      self, children: ["c_attn": attention, "c_proj": projection, "resid_dropout": dropout],
      displayStyle: .struct)
  }

  func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard
      scope.require(
        shape.width % shape.heads == 0,
        "\(shape.heads) heads do not divide the width \(shape.width)"),
      scope.require(
        shape.dropout >= 0 && shape.dropout < 1,
        "the rate of dropout must be in 0..<1, got \(shape.dropout)")
    else { return input }
    let result = attention(input).selfAttention(
      heads: shape.heads, isCausal: true, dropoutRate: shape.dropout,
      dropoutKey: scope.attentionDropoutKey(shape.dropout))
    return dropout(projection(result))
  }
}
