/// An elementwise function of two tensors of equal shape, or with the second one broadcast: its
/// dimensions of size one are repeated.
package struct Binary: Operation {
  package enum Kind: Sendable, Equatable { case add, subtract, multiply, divide }

  package let kind: Kind

  package var name: String { "\(kind)" }
  package var precisionRole: PrecisionRole { .elementwise }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (a, b) = (inputs[0], inputs[1])
    try expect(a.scalar == .float32 && b.scalar == .float32, "expects Float32 values")
    try expect(
      a.shape.count == b.shape.count && zip(a.shape, b.shape).allSatisfy { $0 == $1 || $1 == 1 },
      "shapes \(a.shape) and \(b.shape) do not broadcast")
    return [a]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let dy = gradients[0] else { return [nil, nil] }
    let (a, b) = (call.inputs[0], call.inputs[1])
    func reduced(_ tensor: @autoclosure () -> Tensor) -> Tensor? {
      call.needs[1] ? tensor().sumReduced(to: b.shape) : nil
    }
    switch kind {
    case .add: return [dy, reduced(dy)]
    case .subtract: return [dy, reduced(-dy)]
    case .multiply: return [call.needs[0] ? dy * b : nil, reduced(dy * a)]
    case .divide: return [call.needs[0] ? dy / b : nil, reduced(-(dy * a / (b * b)))]
    }
  }
}

extension Tensor {
  /// Applies `kind` after numpy's broadcasting of both sides.
  private static func binary(_ kind: Binary.Kind, _ a: Tensor, _ b: Tensor) -> Tensor {
    var (a, b) = (a, b)
    let rank = max(a.shape.count, b.shape.count)
    func padded(_ shape: [Int]) -> [Int] {
      Array(repeating: 1, count: rank - shape.count) + shape
    }
    let (left, right) = (padded(a.shape), padded(b.shape))
    guard zip(left, right).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else {
      a.graph.fail("\(kind): shapes \(a.shape) and \(b.shape) do not broadcast")
      return a
    }
    let shape = zip(left, right).map { $0 == 1 ? $1 : $0 }
    if (kind == .add || kind == .multiply) && left != shape && right == shape {
      (a, b) = (b, a)
    }
    return a.broadcast(to: shape).apply(Binary(kind: kind), b.reshaped(to: padded(b.shape)))
  }

  /// The elementwise sum, with numpy's broadcasting.
  public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }
  /// The elementwise difference, with numpy's broadcasting.
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.subtract, a, b) }
  /// The elementwise product, with numpy's broadcasting.
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.multiply, a, b) }
  /// The elementwise quotient, with numpy's broadcasting.
  public static func / (a: Tensor, b: Tensor) -> Tensor { binary(.divide, a, b) }
  /// The negative.
  public static prefix func - (a: Tensor) -> Tensor { a.affine(scale: -1, shift: 0) }
  /// Each value plus a number.
  public static func + (a: Tensor, b: Float) -> Tensor { a.affine(scale: 1, shift: b) }
  /// Each value minus a number.
  public static func - (a: Tensor, b: Float) -> Tensor { a.affine(scale: 1, shift: -b) }
  /// Each value times a number.
  public static func * (a: Tensor, b: Float) -> Tensor { a.affine(scale: b, shift: 0) }
  /// Each value times a number's reciprocal, 1 / b rounded to Float32.
  public static func / (a: Tensor, b: Float) -> Tensor { a.affine(scale: 1 / b, shift: 0) }
  /// A number plus each value.
  public static func + (a: Float, b: Tensor) -> Tensor { b + a }
  /// A number minus each value.
  public static func - (a: Float, b: Tensor) -> Tensor { b.affine(scale: -1, shift: a) }
  /// A number times each value.
  public static func * (a: Float, b: Tensor) -> Tensor { b * a }
}

extension Binary {
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let (a, b) = (call.inputs[0], call.inputs[1])
    let (da, db) = (tangents[0], tangents[1])
    /// The sum of what moves; the second part may be of b's shape.
    func sum(_ first: Tensor?, _ second: Tensor?) -> Tensor? {
      guard let second else { return first }
      return first.map { $0 + second } ?? second.broadcast(to: a.shape)
    }
    switch kind {
    case .add: return [sum(da, db)]
    case .subtract: return [sum(da, db.map { -$0 })]
    case .multiply: return [sum(da.map { $0 * b }, db.map { a * $0 })]
    case .divide:
      return [sum(da.map { $0 / b }, db.map { -(call.outputs[0] * ($0 / b)) })]
    }
  }
}

extension Binary {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (a, b) = (inputs[0], inputs[1].broadcast(to: inputs[0].shape))
    let values = zip(a.values, b.values).map { a, b in
      switch kind {
      case .add: a + b
      case .subtract: a - b
      case .multiply: a * b
      case .divide: a / b
      }
    }
    return [HostTensor(a.shape, values)]
  }
}
