import LockstepEngine

/// What a node does with one of its inputs.
enum InputRole {
  /// A weight of a layer: its kind, and the name that PyTorch gives it.
  case weight(kind: String, suffix: String)
  /// A matrix [in, out] that rows are multiplied with; PyTorch's weight is its transpose.
  case matrix
  /// Weights of all directions of a recurrent layer, with gates in ONNX's order.
  case recurrent(RecurrentPart)
  /// A running mean or variance.
  case statistic(suffix: String)
  /// Numbers like any others.
  case plain
  /// It has no gradient: shapes, indices, limits, conditions.
  case fixed

  enum RecurrentPart { case inputs, states, biases }

  /// The role of an input, by the node's operator.
  static func of(_ node: ONNXNode, _ input: Int) -> InputRole {
    switch (node.type, input) {
    case ("Gemm", 1):
      node["transB"] == .integer(1) ? .weight(kind: "Linear", suffix: "weight") : .matrix
    case ("Gemm", 2): .weight(kind: "Linear", suffix: "bias")
    case ("MatMul", 1): .matrix
    case ("Conv", 1): .weight(kind: "Conv", suffix: "weight")
    case ("Conv", 2): .weight(kind: "Conv", suffix: "bias")
    case ("ConvTranspose", 1): .weight(kind: "ConvTranspose2d", suffix: "weight")
    case ("ConvTranspose", 2): .weight(kind: "ConvTranspose2d", suffix: "bias")
    case ("BatchNormalization", 1): .weight(kind: "BatchNorm", suffix: "weight")
    case ("BatchNormalization", 2): .weight(kind: "BatchNorm", suffix: "bias")
    case ("BatchNormalization", 3): .statistic(suffix: "running_mean")
    case ("BatchNormalization", 4): .statistic(suffix: "running_var")
    case ("LayerNormalization", 1): .weight(kind: "LayerNorm", suffix: "weight")
    case ("LayerNormalization", 2): .weight(kind: "LayerNorm", suffix: "bias")
    case ("RMSNormalization", 1): .weight(kind: "RMSNorm", suffix: "weight")
    case ("InstanceNormalization", 1), ("GroupNormalization", 1):
      .weight(kind: "GroupNorm", suffix: "weight")
    case ("InstanceNormalization", 2), ("GroupNormalization", 2):
      .weight(kind: "GroupNorm", suffix: "bias")
    case ("PRelu", 1): .weight(kind: "PReLU", suffix: "weight")
    case ("Gather", 0): .weight(kind: "Embedding", suffix: "weight")
    case ("LSTM", 1), ("GRU", 1), ("RNN", 1): .recurrent(.inputs)
    case ("LSTM", 2), ("GRU", 2), ("RNN", 2): .recurrent(.states)
    case ("LSTM", 3), ("GRU", 3), ("RNN", 3): .recurrent(.biases)
    case ("Where", 0): .fixed
    default: passesGradient(node, input) ? .plain : .fixed
    }
  }

  /// Whether a gradient goes from a node's result to an input of it that has no role of its own.
  private static func passesGradient(_ node: ONNXNode, _ input: Int) -> Bool {
    if input == 0 { return !discrete.contains(node.type) }
    return many.contains(node.type) || input > 4 && ["LSTM", "GRU", "RNN"].contains(node.type)
  }

  /// Operators whose results are shapes, truth values or indices, or that make tensors of these.
  private static let discrete: Set<String> = [
    "Shape", "Size", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or",
    "Not",
    "Xor", "Range", "ConstantOfShape", "ArgMax", "ArgMin", "NonZero", "OneHot", "IsNaN", "IsInf",
    "Floor", "Ceil", "Round", "Sign", "Mod", "If", "EyeLike",
  ]

  /// Operators that compute with numbers of all of their inputs.
  private static let many: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Concat", "MatMul", "Where",
    "SequenceConstruct", "Einsum",
  ]
}
