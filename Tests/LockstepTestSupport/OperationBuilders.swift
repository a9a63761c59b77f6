import LockstepEngine
import LockstepFiles

/// How a case's operation is applied, by its name and attributes; nil for an unknown one.
func builder(
  _ operation: String, _ attributes: JSONObject
) -> (@Sendable (Graph, [Tensor]) -> [Tensor])? {
  elementwise(operation, attributes) ?? windowed(operation, attributes)
    ?? shaping(operation, attributes) ?? sequential(operation, attributes)
    ?? other(operation, attributes) ?? tensorOperation(operation, attributes)
}

private typealias Build = @Sendable (Graph, [Tensor]) -> [Tensor]

private func elementwise(_ operation: String, _ attributes: JSONObject) -> Build? {
  switch operation {
  case "relu":
    let slope = attributes.float("slope") ?? 0
    return { _, x in [x[0].relu(slope: slope)] }
  case "elu":
    let alpha = attributes.float("alpha") ?? 1
    return { _, x in [x[0].elu(alpha: alpha)] }
  case "affine":
    let (scale, shift) = (attributes.float("scale") ?? 1, attributes.float("shift") ?? 0)
    return { _, x in [x[0].affine(scale: scale, shift: shift)] }
  case "sigmoid": return { _, x in [x[0].sigmoid()] }
  case "tanh": return { _, x in [x[0].tanh()] }
  case "gelu": return { _, x in [x[0].gelu()] }
  case "silu": return { _, x in [x[0].silu()] }
  case "softplus": return { _, x in [x[0].softplus()] }
  case "exp": return { _, x in [x[0].exp()] }
  case "log": return { _, x in [x[0].log()] }
  case "sqrt": return { _, x in [x[0].squareRoot()] }
  case "square": return { _, x in [x[0].square()] }
  case "abs": return { _, x in [x[0].absolute()] }
  case "add": return { _, x in [x[0] + x[1]] }
  case "subtract": return { _, x in [x[0] - x[1]] }
  case "multiply": return { _, x in [x[0] * x[1]] }
  case "divide": return { _, x in [x[0] / x[1]] }
  case "dropout":
    guard let rate = attributes.float("rate"),
      let key = attributes.integer("key").flatMap(UInt32.init(exactly:))
    else { return nil }
    return { _, x in [x[0].dropout(rate: rate, key: key)] }
  default: return nil
  }
}

private func windowed(_ operation: String, _ attributes: JSONObject) -> Build? {
  if operation == "global_avg_pool2d" { return { _, x in [x[0].globallyAveragePooled()] } }
  guard let kernel = attributes.integers("kernel"), let strides = attributes.integers("stride"),
    let low = attributes.integers("paddingLow"), let high = attributes.integers("paddingHigh")
  else { return nil }
  var padded = Window(
    kernel: kernel, strides: strides, dilations: attributes.integers("dilation") ?? [1, 1])
  padded.paddingLow = low
  padded.paddingHigh = high
  let window = padded
  let counts = attributes.flag("countsPadding")
  switch operation {
  case "conv2d":
    let groups = attributes.integer("groups") ?? 1
    return { _, x in
      [x[0].convolved(x[1], x.count > 2 ? x[2] : nil, window: window, groups: groups)]
    }
  case "max_pool2d": return { _, x in [x[0].maxPooled(window)] }
  case "max_pool2d_indices":
    return { _, x in x[0].maxPooledWithIndices(window) }
  case "avg_pool2d": return { _, x in [x[0].averagePooled(window, countsPadding: counts)] }
  default: return nil
  }
}

private func shaping(_ operation: String, _ attributes: JSONObject) -> Build? {
  let shape = attributes.integers("shape") ?? []
  let axes = attributes.integers("axes") ?? []
  let permutation = attributes.integers("permutation") ?? []
  let keep = attributes.flag("keepDimensions")
  let axis = attributes.integer("axis") ?? 0
  let start = attributes.integer("start") ?? 0
  let count = attributes.integer("count") ?? 0
  switch operation {
  case "sum": return { _, x in [x[0].sum(axes, keepDimensions: keep)] }
  case "mean": return { _, x in [x[0].mean(axes, keepDimensions: keep)] }
  case "reshape": return { _, x in [x[0].reshaped(to: shape)] }
  case "flatten": return { _, x in [x[0].flattened(from: axis)] }
  case "transpose": return { _, x in [x[0].transposed(permutation)] }
  case "broadcast": return { _, x in [x[0].broadcast(to: shape)] }
  case "slice": return { _, x in [x[0].sliced(axis: axis, start..<start + count)] }
  case "concatenate": return { _, x in [Tensor.concatenated(x, axis: axis)] }
  default: return nil
  }
}

private func other(_ operation: String, _ attributes: JSONObject) -> Build? {
  let epsilon = attributes.float("epsilon") ?? 1e-5
  let smoothing = attributes.float("smoothing") ?? 0
  switch operation {
  case "linear": return { _, x in [x[0].linear(x[1], x.count > 2 ? x[2] : nil)] }
  case "matmul":
    let (left, right) = (attributes.flag("transposeLeft"), attributes.flag("transposeRight"))
    return { _, x in [x[0].matmul(x[1], transposeLeft: left, transposeRight: right)] }
  case "batch_norm":
    return { _, x in
      let y = x[0].batchNormalized(x[1], x[2], epsilon: epsilon)
      return [y.result, y.mean, y.variance]
    }
  case "fixed_norm":
    return { _, x in [x[0].normalized(x[1], x[2], mean: x[3], variance: x[4], epsilon: epsilon)] }
  case "layer_norm":
    return { _, x in [x[0].layerNormalized(x[1], x[2], epsilon: epsilon)] }
  case "rms_norm": return { _, x in [x[0].rmsNormalized(x[1], epsilon: epsilon)] }
  case "softmax": return { _, x in [x[0].softmax()] }
  case "cross_entropy":
    return { _, x in
      [
        x[0].softmaxCrossEntropy(
          labels: x[1], smoothing: smoothing, weights: x.count > 2 ? x[2] : nil)
      ]
    }
  case "binary_cross_entropy":
    return { _, x in [x[0].binaryCrossEntropy(targets: x[1], weights: x.count > 2 ? x[2] : nil)] }
  case "squared_error":
    return { _, x in [x[0].squaredError(targets: x[1], weights: x.count > 2 ? x[2] : nil)] }
  case "distillation":
    let temperature = attributes.float("temperature") ?? 1
    return { _, x in
      [
        x[0].distillation(
          teacher: x[1], temperature: temperature, weights: x.count > 2 ? x[2] : nil)
      ]
    }
  case "correct_labels": return { _, x in [x[0].correctCount(labels: x[1])] }
  case "correct_signs": return { _, x in [x[0].correctCount(targets: x[1])] }
  default: return nil
  }
}
