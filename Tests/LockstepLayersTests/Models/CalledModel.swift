import LockstepEngine
import LockstepLayers

/// A model with what it is called with beside its input: lengths, or another sequence. A case of an enumeration
/// with one value adds nothing to the names of parameters.
enum CalledModel: Model {
  case alone(any Model)
  case attention(MultiheadAttention)
  case layer(TransformerEncoderLayer)
  case encoder(TransformerEncoder)
  /// Attention to a sequence of five positions.
  case other(MultiheadAttention)

  func callAsFunction(_ input: Tensor) -> Tensor {
    guard let count = input.shape.first else { return input }
    func lengths() -> Tensor { input.graph.input("lengths", [count], .int32) }
    switch self {
    case .alone(let model): return model(input)
    case .attention(let model): return model(input, lengths: lengths())
    case .layer(let model): return model(input, lengths: lengths())
    case .encoder(let model): return model(input, lengths: lengths())
    case .other(let model):
      let other = input.graph.input("key", [count, 5, model.width])
      return model(input, key: other, value: other, lengths: lengths())
    }
  }
}

extension CalledModel {
  /// The models of `scripts/reference/sequence_models.py`, by their names there.
  static let references: [(name: String, model: CalledModel)] = [
    ("attention", .alone(MultiheadAttention(6, heads: 2))),
    ("attention of one head without bias", .alone(MultiheadAttention(4, heads: 1, bias: false))),
    (
      "causal attention with lengths", .attention(MultiheadAttention(6, heads: 3, isCausal: true))
    ),
    ("attention to another sequence", .other(MultiheadAttention(6, heads: 2))),
    (
      "encoder layer", .layer(TransformerEncoderLayer(6, heads: 2, feedForward: 9, dropout: 0))
    ),
    (
      "encoder layer, norm first, gelu",
      .alone(
        TransformerEncoderLayer(
          6, heads: 3, feedForward: 8, dropout: 0, activation: .gelu, normFirst: true,
          isCausal: true))
    ),
    (
      "encoder layer without bias",
      .alone(TransformerEncoderLayer(4, heads: 2, feedForward: 7, dropout: 0, bias: false))
    ),
    (
      "encoder",
      .encoder(
        TransformerEncoder(2, norm: LayerNorm()) {
          TransformerEncoderLayer(
            6, heads: 2, feedForward: 10, dropout: 0, activation: .gelu, normFirst: true)
        })
    ),
    ("gpt", .alone(GPT(vocabulary: 11, context: 6, width: 8, layers: 2, heads: 2))),
    (
      "gpt of gpt-2's gelu, without bias",
      .alone(
        GPT(
          vocabulary: 9, context: 4, width: 6, layers: 1, heads: 3, bias: false,
          activation: .tanh))
    ),
    ("conv1d", .alone(Conv1d(3, 4, kernel: 3))),
    (
      "conv1d with everything",
      .alone(Conv1d(4, 6, kernel: 3, stride: 2, padding: 3, dilation: 2, groups: 2))
    ),
    ("conv1d same without bias", .alone(Conv1d(3, kernel: 4, padding: .same, bias: false))),
    ("max_pool1d", .alone(MaxPool1d(3, stride: 2, padding: 1))),
    ("avg_pool1d", .alone(AvgPool1d(3, padding: 1))),
    (
      "avg_pool1d without padding",
      .alone(AvgPool1d(4, stride: 3, padding: 2, countsPadding: false))
    ),
    (
      "conv_transpose2d",
      .alone(
        ConvTranspose2d(
          3, 4, kernel: [3, 2], stride: [2, 1], padding: [1, 0], outputPadding: [1, 0]))
    ),
    (
      "conv_transpose2d of groups",
      .alone(
        ConvTranspose2d(
          6, kernel: 3, stride: 2, padding: 1, outputPadding: 1, groups: 2, bias: false))
    ),
    ("adaptive_avg_pool1d of unequal windows", .alone(AdaptiveAvgPool1d(4))),
    ("adaptive_avg_pool1d of equal windows", .alone(AdaptiveAvgPool1d(3))),
    ("adaptive_avg_pool1d to more", .alone(AdaptiveAvgPool1d(8))),
  ]
}
