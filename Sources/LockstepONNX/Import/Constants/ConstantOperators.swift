import LockstepEngine

/// Operators of values that are known in advance: what exporters compute shapes and masks with.
enum ConstantOperators {
  /// The most values that are computed in advance.
  private static let limit = 1 << 26

  /// The results of a node; nil where the operator is not one of these.
  ///
  /// - Parameters:
  ///   - inputs: the values, nil for inputs that are left out. Of `Shape` and `Size` the shape itself.
  ///   - likeFloat: whether `CastLike` makes numbers.
  static func evaluate(
    _ node: ONNXNode, _ inputs: [ONNXTensor?], likeFloat: Bool?
  ) throws(GraphError) -> [ONNXTensor]? {
    let call = ConstantCall(node: node, inputs: inputs)
    switch node.type {
    case "Shape": return [try call.shapeOfInput()]
    case "Size":
      return [ONNXTensor([], integers: [try call.integers(0).reduce(1, &*)])]
    case "Identity": return [try call.tensor(0)]
    case "Dropout": return [try call.tensor(0)]
    case "Cast": return [cast(try call.tensor(0), to: call.integer("to", 1))]
    case "CastLike":
      return [cast(try call.tensor(0), to: likeFloat == true ? 1 : 7)]
    case "ConstantOfShape", "Range", "EyeLike": return [try call.made()]
    case "Where": return [try call.chosen()]
    case "Concat", "Slice", "Gather", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Expand",
      "Tile",
      "Trilu", "Flatten":
      return [try call.moved()]
    case "Split": return try call.split()
    case "ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "CumSum":
      return [try call.reduced()]
    default:
      if let unary = try call.unary() { return [unary] }
      if let binary = try call.binary() { return [binary] }
      return nil
    }
  }

  static func cast(_ tensor: ONNXTensor, to type: Int) -> ONNXTensor {
    guard let elements = ONNXElements(Int32(truncatingIfNeeded: type)) else { return tensor }
    switch elements.scalar {
    case .float32: return ONNXTensor(tensor.shape, floats: tensor.floats)
    case .bool:
      return ONNXTensor(tensor.shape, integers: tensor.floats.map { $0 == 0 ? 0 : 1 }, .bool)
    case let scalar:
      let integers =
        tensor.integers
        ?? tensor.floats.map { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
      return ONNXTensor(tensor.shape, integers: integers, scalar)
    }
  }

  /// Throws where a result would be too large to be computed in advance.
  static func check(_ shape: [Int]) throws(GraphError) {
    guard shape.allSatisfy({ $0 >= 0 }), TensorType(shape).count <= limit else {
      throw GraphError("a constant of the shape \(shape) is not computed in advance")
    }
  }
}

/// One node whose inputs are known.
struct ConstantCall {
  let node: ONNXNode
  let inputs: [ONNXTensor?]

  func has(_ input: Int) -> Bool { input < inputs.count && inputs[input] != nil }

  func tensor(_ input: Int) throws(GraphError) -> ONNXTensor {
    guard input < inputs.count, let tensor = inputs[input] else {
      throw GraphError("its input \(input) is missing")
    }
    return tensor
  }

  func integers(_ input: Int) throws(GraphError) -> [Int] {
    guard let integers = try tensor(input).integers else {
      throw GraphError("its input \(input) is not of integers")
    }
    return integers
  }

  func integer(_ name: String, _ fallback: Int) -> Int {
    if case .integer(let value)? = node[name] { value } else { fallback }
  }

  func list(_ name: String) -> [Int]? {
    if case .integers(let values)? = node[name] { values } else { nil }
  }

  /// Axes as an attribute or as an input, counted from the front.
  func axes(_ input: Int, rank: Int) throws(GraphError) -> [Int]? {
    guard let given = try list("axes", or: input) else { return nil }
    let axes = given.map { $0 < 0 ? $0 + rank : $0 }
    guard axes.allSatisfy((0..<rank).contains) else {
      throw GraphError("the axes \(axes) are not among \(rank)")
    }
    return axes
  }

  /// Integers that older versions of an operator have as an attribute, and newer ones as an input.
  func list(_ attribute: String, or input: Int) throws(GraphError) -> [Int]? {
    if let values = list(attribute) { return values }
    return has(input) ? try integers(input) : nil
  }

  func axis(_ fallback: Int, rank: Int) throws(GraphError) -> Int {
    let given = integer("axis", fallback)
    let axis = given < 0 ? given + rank : given
    guard axis >= 0, axis < max(rank, 1) else {
      throw GraphError("there is no axis \(given) of \(rank)")
    }
    return axis
  }

  // MARK: Shapes and tensors made of them

  func shapeOfInput() throws(GraphError) -> ONNXTensor {
    let shape = try integers(0)
    func place(_ value: Int) -> Int {
      min(max(value < 0 ? value + shape.count : value, 0), shape.count)
    }
    let (start, end) = (place(integer("start", 0)), place(integer("end", shape.count)))
    let part = start < end ? Array(shape[start..<end]) : []
    return ONNXTensor([part.count], integers: part)
  }

  func made() throws(GraphError) -> ONNXTensor {
    switch node.type {
    case "Range":
      let (start, limit, step) = (try tensor(0), try tensor(1), try tensor(2))
      if let start = start.integers?.first, let limit = limit.integers?.first,
        let step = step.integers?.first, step != 0
      {
        // As far as Double tells, which is exact for as many as are made.
        let span = (Double(limit) - Double(start)) / Double(step)
        guard let count = Int(exactly: max(0, span.rounded(.up))) else {
          throw GraphError("its ends make no range")
        }
        try ConstantOperators.check([count])
        let (_, overflows) = step.multipliedReportingOverflow(by: count)
        guard !overflows else { throw GraphError("its ends make no range") }
        return ONNXTensor([count], integers: (0..<count).map { start &+ $0 * step })
      }
      guard let first = start.floats.first, let last = limit.floats.first,
        let by = step.floats.first, by != 0,
        let count = Int(exactly: max(0, ((last - first) / by).rounded(.up)))
      else { throw GraphError("its ends make no range") }
      try ConstantOperators.check([count])
      return ONNXTensor([count], floats: (0..<count).map { first + Float($0) * by })
    case "EyeLike":
      let shape = try tensor(0).shape
      guard shape.count == 2 else { throw GraphError("expects a matrix, got \(shape)") }
      let shift = integer("k", 0)
      try ConstantOperators.check(shape)
      let values = (0..<shape[0] * shape[1]).map { index -> Float in
        index % shape[1] == index / shape[1] &+ shift ? 1 : 0
      }
      return ONNXTensor(shape, floats: values)
    default:
      let shape = try integers(0)
      try ConstantOperators.check(shape)
      let count = shape.reduce(1, *)
      if case .tensor(let value)? = node["value"] {
        if let integer = value.integers?.first {
          return ONNXTensor(
            shape, integers: [Int](repeating: integer, count: count), value.scalar)
        }
        return ONNXTensor(
          shape, floats: [Float](repeating: value.floats.first ?? 0, count: count))
      }
      return ONNXTensor(shape, floats: [Float](repeating: 0, count: count))
    }
  }
}
