import LockstepEngine
import LockstepFiles

/// How the operations of `scripts/reference/attention.py` are applied; nil for another one.
func sequential(
  _ operation: String, _ attributes: JSONObject
) -> (@Sendable (Graph, [Tensor]) -> [Tensor])? {
  let base = attributes.float("base") ?? 10_000
  switch operation {
  case "attention": return attention(attributes)
  case "sinusoidal_positions": return { _, x in [x[0].addingSinusoidalPositions(base: base)] }
  case "rotary":
    guard let head = attributes.integer("head"), let columns = attributes.integer("columns"),
      let pairing = attributes.text("pairing").flatMap(RotaryPairing.init(rawValue:))
    else { return nil }
    return { _, x in [x[0].rotated(headWidth: head, columns: columns, base: base, pairing: pairing)]
    }
  case "conv_transpose2d": return transposedConvolution(attributes)
  case "gelu_tanh": return { _, x in [x[0].geluTanh()] }
  default: return nil
  }
}

private func attention(_ attributes: JSONObject) -> (@Sendable (Graph, [Tensor]) -> [Tensor])? {
  guard let heads = attributes.integer("heads") else { return nil }
  let (isCausal, isPacked) = (attributes.flag("causal"), attributes.flag("packed"))
  let hasLengths = attributes.flag("lengths")
  let rate = attributes.float("rate") ?? 0
  let key = attributes.integer("key").flatMap(UInt32.init(exactly:)) ?? 0
  return { _, x in
    let lengths = hasLengths ? x.last : nil
    if isPacked {
      return [
        x[0].selfAttention(
          heads: heads, isCausal: isCausal, lengths: lengths, dropoutRate: rate, dropoutKey: key)
      ]
    }
    return [
      x[0].attention(
        keys: x[1], values: x[2], heads: heads, isCausal: isCausal, lengths: lengths,
        dropoutRate: rate, dropoutKey: key)
    ]
  }
}

private func transposedConvolution(
  _ attributes: JSONObject
) -> (@Sendable (Graph, [Tensor]) -> [Tensor])? {
  guard let kernel = attributes.integers("kernel"), let strides = attributes.integers("stride"),
    let padding = attributes.integers("padding"), let groups = attributes.integer("groups"),
    let added = attributes.integers("outputPadding"),
    let dilations = attributes.integers("dilation")
  else { return nil }
  let window = Window(kernel: kernel, strides: strides, padding: padding, dilations: dilations)
  return { _, x in
    [x[0].transposedConvolved(x[1], window: window, outputPadding: added, groups: groups)]
  }
}
