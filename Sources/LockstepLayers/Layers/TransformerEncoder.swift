import LockstepCatalog
public import LockstepEngine

/// One layer of a transformer's encoder: attention and a perceptron for each position, with a residual connection
/// around each.
///
/// x + dropout1(attention(x)), normalised by norm1; then x + dropout2(linear2(dropout(f(linear1(x))))), normalised
/// by norm2. With `normFirst` the normalisations are in front of attention and perceptron instead. Names are
/// PyTorch's: `self_attn`, `linear1`, `linear2`, `norm1`, `norm2`.
///
/// It is PyTorch's `TransformerEncoderLayer` with `batch_first=True`, with its defaults.
///
/// Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017; norms in front: R. Xiong et al., "On layer
/// normalization in the transformer architecture", ICML 2020.
public struct TransformerEncoderLayer: Model, CustomReflectable {
  /// The attention of the sequence to itself.
  public let attention: MultiheadAttention
  /// The perceptron's first map, to `feedForward` values.
  public let linear1: Linear
  /// The perceptron's second map, back to the width.
  public let linear2: Linear
  /// The normalisation of the attention's part.
  public let norm1: LayerNorm
  /// The normalisation of the perceptron's part.
  public let norm2: LayerNorm
  /// Whether norms are in front of attention and perceptron, not behind the sums.
  public let normFirst: Bool
  private let activation: any Layer
  private let dropouts: (inside: Dropout, first: Dropout, second: Dropout)

  /// Makes a layer with the arguments of PyTorch's `TransformerEncoderLayer`.
  ///
  /// - Parameters:
  ///   - width: the number of values of a position; PyTorch's `d_model`.
  ///   - heads: the number of heads, which divides the width; `nhead`.
  ///   - feedForward: the number of the perceptron's hidden units; `dim_feedforward`.
  ///   - dropout: the rate of dropout of the attention's probabilities, of the hidden units, and of what both
  ///     parts add.
  ///   - activation: the function of the hidden units.
  public init(
    _ width: Int, heads: Int, feedForward: Int = 2048, dropout: Float = 0.1,
    activation: ActivationName = .relu, epsilon: Float = 1e-5, normFirst: Bool = false,
    bias: Bool = true, isCausal: Bool = false, rotary: RotaryPositions? = nil
  ) {
    attention = MultiheadAttention(
      width, heads: heads, dropout: dropout, bias: bias, isCausal: isCausal, rotary: rotary)
    linear1 = Linear(width, feedForward, bias: bias)
    linear2 = Linear(feedForward, width, bias: bias)
    norm1 = LayerNorm(epsilon: epsilon, bias: bias)
    norm2 = LayerNorm(epsilon: epsilon, bias: bias)
    self.normFirst = normFirst
    self.activation = activation.layer
    dropouts = (Dropout(dropout), Dropout(dropout), Dropout(dropout))
  }

  /// The layers under PyTorch's names, in the order of its state.
  public var customMirror: Mirror {
    Mirror(
      self,
      children: [
        "self_attn": attention, "linear1": linear1, "dropout": dropouts.inside,
        "linear2": linear2, "norm1": norm1, "norm2": norm2, "dropout1": dropouts.first,
        "dropout2": dropouts.second, "activation": activation,
      ], displayStyle: .struct)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor { self(input, lengths: nil) }

  /// The layer on [N, T, width], of which only the first `lengths` [N] positions are seen.
  public func callAsFunction(_ input: Tensor, lengths: Tensor?) -> Tensor {
    func attended(_ x: Tensor) -> Tensor { dropouts.first(attention(x, lengths: lengths)) }
    func mapped(_ x: Tensor) -> Tensor {
      dropouts.second(linear2(dropouts.inside(activation(linear1(x)))))
    }
    func sum(_ x: Tensor, _ y: Tensor) -> Tensor { x.graph.hasFailed ? x : x + y }
    guard normFirst else {
      let x = norm1(sum(input, attended(input)))
      return norm2(sum(x, mapped(x)))
    }
    let x = sum(input, attended(norm1(input)))
    return sum(x, mapped(norm2(x)))
  }
}

/// Encoder layers one behind the other, and a normalisation behind them if there is one: `layers.0.self_attn…`,
/// `norm.weight`. PyTorch's `TransformerEncoder`.
public struct TransformerEncoder: Model {
  /// The layers, in the order that they are applied.
  public let layers: [TransformerEncoderLayer]
  /// The normalisation behind the last layer.
  public let norm: LayerNorm?

  /// Makes an encoder with `count` layers, each made by `layer`.
  ///
  /// PyTorch copies one layer, initial values included; here each draws its own.
  public init(_ count: Int, norm: LayerNorm? = nil, layer: () -> TransformerEncoderLayer) {
    layers = (0..<max(count, 0)).map { _ in layer() }
    self.norm = norm
  }

  public func callAsFunction(_ input: Tensor) -> Tensor { self(input, lengths: nil) }

  /// The encoder on [N, T, width], of which only the first `lengths` [N] positions are seen.
  public func callAsFunction(_ input: Tensor, lengths: Tensor?) -> Tensor {
    let result = layers.reduce(input) { $1($0, lengths: lengths) }
    return norm.map { $0(result) } ?? result
  }
}

extension TransformerEncoderLayer {
  package static let entry = Entry<any Model>(
    "TransformerEncoderLayer", "attention and a perceptron for each position of [N, T, width]",
    keys
  ) { values in TransformerEncoderLayer(values) }

  fileprivate static let keys: [Hyperparameter] =
    .attention + [
      .with("feedForward", .size, 2048, "the perceptron's hidden units"),
      .with("dropout", .dropoutRate, 0.1, "the rate of dropout of all parts"),
      .with("activation", ActivationName.relu, "the hidden units' function"),
      .epsilon(1e-5, "added to the variance"),
      .with("normFirst", .boolean, false, "whether norms stand in front of the parts"),
    ]

  fileprivate init(_ values: Hyperparameters) {
    self.init(
      values["width"], heads: values["heads"], feedForward: values["feedForward"],
      dropout: values["dropout"], activation: values["activation"], epsilon: values["epsilon"],
      normFirst: values["normFirst"], bias: values["bias"], isCausal: values["causal"],
      rotary: values.rotary)
  }
}

extension TransformerEncoder {
  package static let entry = Entry<any Model>(
    "TransformerEncoder", "encoder layers one behind the other",
    [
      .required("count", .integer(1...1000), "their number"),
      .with("norm", .boolean, false, "whether a normalisation stands behind the last"),
    ] + TransformerEncoderLayer.keys
  ) { values in
    let norm = LayerNorm(epsilon: values["epsilon"], bias: values["bias"])
    return TransformerEncoder(values["count"], norm: values["norm"] ? norm : nil) {
      TransformerEncoderLayer(values)
    }
  }
}
