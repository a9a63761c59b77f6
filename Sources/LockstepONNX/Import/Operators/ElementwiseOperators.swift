import LockstepEngine
import LockstepLayers

extension Operators {
  /// Operators that compute with each value by itself.
  static func elementwise(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "Add": return try add(call)
    case "Sub": return try binary(call) { $0 - $1 }
    case "Mul": return try binary(call) { $0 * $1 }
    case "Div": return try binary(call) { $0 / $1 }
    case "Min": return try many(call) { Tensor.minimum($0, $1) }
    case "Max": return try many(call) { Tensor.maximum($0, $1) }
    case "Sum": return try many(call) { $0 + $1 }
    case "Pow": return try power(call)
    case "Clip": return try clip(call)
    case "Where": return try choice(call)
    case "PRelu": return try slopes(call)
    case "Dropout": return try dropout(call)
    case "Identity": return [try call.value(0)]
    case "Cast", "CastLike": return try cast(call)
    case let type where functions.contains(type):
      let x = try call.batched(0)
      try call.requireFloats(x)
      return one(function(call, x.tensor), like: x)
    default: return nil
    }
  }

  /// The operators of ``function(_:_:)``.
  private static let functions: Set<String> = [
    "Relu", "Sigmoid", "Tanh", "Softplus", "Exp", "Log", "Sqrt", "Abs", "Neg", "Sin", "Cos",
    "Reciprocal", "LeakyRelu", "Elu", "Selu", "HardSigmoid", "HardSwish", "Swish", "Mish",
    "Softsign", "Gelu",
  ]

  /// A function of each value.
  private static func function(_ call: OperatorCall, _ x: Tensor) -> Tensor {
    switch call.node.type {
    case "Relu": return x.relu()
    case "Sigmoid": return x.sigmoid()
    case "Tanh": return x.tanh()
    case "Softplus": return x.softplus()
    case "Exp": return x.exp()
    case "Log": return x.log()
    case "Sqrt": return x.squareRoot()
    case "Abs": return x.absolute()
    case "Neg": return -x
    case "Sin": return x.sine()
    case "Cos": return x.cosine()
    case "Reciprocal": return x.graph.constant(1, x.shape) / x
    case "LeakyRelu": return x.relu(slope: call.float("alpha", 0.01))
    case "Elu": return x.elu(alpha: call.float("alpha", 1))
    case "Selu":
      return x.elu(alpha: call.float("alpha", 1.673_263_2)) * call.float("gamma", 1.050_701)
    case "HardSigmoid":
      return hardSigmoid(x, call.float("alpha", 0.2), call.float("beta", 0.5))
    case "HardSwish": return x * hardSigmoid(x, 1 / 6, 0.5)
    case "Swish":
      let alpha = call.float("alpha", 1)
      return alpha == 1 ? x.silu() : x * (x * alpha).sigmoid()
    case "Mish": return x * x.softplus().tanh()
    case "Softsign": return x / (x.absolute() + 1)
    default:
      return call.string("approximate", "none") == "tanh" ? x.geluTanh() : x.gelu()
    }
  }

  /// An operator of two values, which are broadcast to one shape.
  private static func binary(
    _ call: OperatorCall, _ function: (Tensor, Tensor) -> Tensor
  ) throws(GraphError) -> [ImportedValue] {
    let (a, b) = (try call.batched(0), try call.batched(1))
    try call.requireFloats(a, b)
    return [.tensor(BatchedTensor(function(a.tensor, b.tensor), place(of: [a, b])))]
  }

  /// An operator of any number of values.
  private static func many(
    _ call: OperatorCall, _ function: (Tensor, Tensor) -> Tensor
  ) throws(GraphError) -> [ImportedValue] {
    var result = try call.batched(0)
    for input in call.node.inputs.indices.dropFirst() {
      let next = try call.batched(input)
      try call.requireFloats(result, next)
      result = BatchedTensor(function(result.tensor, next.tensor), place(of: [result, next]))
    }
    return [.tensor(result)]
  }

  /// Where the examples are in the result of tensors that are broadcast to one shape.
  static func place(of tensors: [BatchedTensor]) -> BatchPlace? {
    let rank = tensors.map { $0.shape.count }.max() ?? 0
    for tensor in tensors {
      guard let place = tensor.place else { continue }
      return BatchPlace(axis: place.axis + rank - tensor.shape.count, inner: place.inner)
    }
    return nil
  }

  /// A sum, or the bias of a linear map.
  private static func add(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    for (first, second) in [(0, 1), (1, 0)] {
      guard case .product(let x, let weight) = try call.value(first),
        case .tensor(let bias) = try call.value(second), bias.shape == [weight.shape[0]]
      else { continue }
      return one(x.tensor.linear(weight, bias.tensor), like: x)
    }
    return try binary(call) { $0 + $1 }
  }

  private static func power(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    guard let exponent = try call.constant(1), exponent.count == 1 else {
      throw GraphError("the exponent must be one number")
    }
    let value = exponent.floats[0]
    return one(value == 0.5 ? x.tensor.squareRoot() : x.tensor.power(value), like: x)
  }

  private static func clip(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let low = try call.limit(1, "min")
    let high = try call.limit(2, "max")
    return one(clipped(x.tensor, low, high), like: x)
  }

  /// x between two limits. The gradient is 1 between and 0 outside, as PyTorch's is of `clamp` and ReLU6.
  private static func clipped(_ x: Tensor, _ low: Float?, _ high: Float?) -> Tensor {
    func limit(_ value: Float) -> Tensor { x.graph.constant([value], [1]) }
    let above = low.map { $0 == 0 ? x.relu() : Tensor.maximum(x, limit($0)) } ?? x
    return high.map { Tensor.minimum(above, limit($0)) } ?? above
  }

  /// max(0, min(1, alpha · x + beta)).
  private static func hardSigmoid(_ x: Tensor, _ alpha: Float, _ beta: Float) -> Tensor {
    clipped(x.affine(scale: alpha, shift: beta), 0, 1)
  }

  /// One of two values, by a condition that is known in advance.
  private static func choice(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    guard let condition = try call.constant(0), let truths = condition.integers else {
      throw GraphError("its condition must be known in advance")
    }
    let (a, b) = (try call.batched(1), try call.batched(2))
    try call.requireFloats(a, b)
    func mask(_ isHidden: (Int) -> Bool) -> Tensor {
      call.graph.constant(truths.map { isHidden($0) ? 1 : 0 }, condition.shape)
    }
    // A number in the place of what is hidden is a masked fill.
    for (input, other, isHidden) in [(1, b, 1), (2, a, 0)] {
      guard case .constant(let number) = try call.value(input), number.count == 1,
        TensorType.canBroadcast(condition.shape, to: other.shape)
      else { continue }
      return one(
        other.tensor.masked(
          by: mask { ($0 != 0) == (isHidden == 1) }, fillingWith: number.floats[0]), like: other)
    }
    let (chosen, rest) = (mask { $0 != 0 }, mask { $0 == 0 })
    return [.tensor(BatchedTensor(a.tensor * chosen + b.tensor * rest, place(of: [a, b])))]
  }

  private static func slopes(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let (x, slope) = (try call.batched(0), try call.tensor(1))
    return one(x.tensor.relu() - slope * (-x.tensor).relu(), like: x)
  }

  private static func dropout(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let rate = try call.constant(1)?.floats.first ?? call.float("ratio", 0.5)
    guard rate >= 0, rate < 1 else {
      throw GraphError("the rate of dropout must be in 0..<1, got \(rate)")
    }
    let name = call.node.name.isEmpty ? call.node.outputs[0] : call.node.name
    return one(x.tensor.dropout(rate: rate, key: stableHash(name)), like: x)
  }

  /// Another type of numbers: single precision stays what it is.
  private static func cast(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let value = try call.value(0)
    guard call.node.type == "Cast" else { return [value] }
    let isInteger = try call.tensor(0).type.scalar == .int32
    switch call.integer("to", 1) {
    case 1, 10, 11, 16:
      if isInteger {
        throw GraphError(
          "integers of the input become numbers, which Lockstep has no operation for")
      }
    case 2...7, 12, 13:
      if !isInteger {
        throw GraphError("numbers of the model become integers, which have no gradient")
      }
    default: throw GraphError("a condition follows from the examples' values")
    }
    return [value]
  }
}

extension OperatorCall {
  /// A limit of `Clip`, which older versions have as an attribute.
  fileprivate func limit(_ input: Int, _ name: String) throws(GraphError) -> Float? {
    if case .float(let value)? = node[name] { return value.isFinite ? value : nil }
    return try constant(input)?.floats.first
  }

  /// Throws where operands are integers.
  func requireFloats(_ tensors: BatchedTensor...) throws(GraphError) {
    for tensor in tensors where tensor.tensor.type.scalar != .float32 {
      throw GraphError(
        "it computes with integers of the input, and Lockstep has no integer arithmetic in models")
    }
  }
}

extension TensorType {
  /// Whether a shape is repeated to another one.
  static func canBroadcast(_ shape: [Int], to whole: [Int]) -> Bool {
    shape.count <= whole.count
      && zip(shape.reversed(), whole.reversed()).allSatisfy { $0 == $1 || $0 == 1 }
  }
}
