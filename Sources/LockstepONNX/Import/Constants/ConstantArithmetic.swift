import LockstepEngine

// Arithmetic of values that are known in advance.

extension ConstantCall {
  static func broadcast(_ a: [Int], _ b: [Int]) throws(GraphError) -> [Int] {
    let rank = max(a.count, b.count)
    func padded(_ shape: [Int]) -> [Int] {
      Array(repeating: 1, count: rank - shape.count) + shape
    }
    let pairs = zip(padded(a), padded(b))
    guard pairs.allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else {
      throw GraphError("shapes \(a) and \(b) do not broadcast")
    }
    let whole = pairs.map { $0 == 1 ? $1 : $0 }
    try ConstantOperators.check(whole)
    return whole
  }

  func chosen() throws(GraphError) -> ONNXTensor {
    let (condition, a, b) = (try tensor(0), try tensor(1), try tensor(2))
    let whole = try Self.broadcast(try Self.broadcast(condition.shape, a.shape), b.shape)
    let truths = Self.places(of: condition.shape, in: whole).map { condition.floats[$0] != 0 }
    let places = zip(Self.places(of: a.shape, in: whole), Self.places(of: b.shape, in: whole))
    if let left = a.integers, let right = b.integers {
      return ONNXTensor(
        whole, integers: zip(truths, places).map { $0 ? left[$1.0] : right[$1.1] }, a.scalar)
    }
    let (left, right) = (a.floats, b.floats)
    return ONNXTensor(whole, floats: zip(truths, places).map { $0 ? left[$1.0] : right[$1.1] })
  }

  func unary() throws(GraphError) -> ONNXTensor? {
    let functions: [String: (Float) -> Float] = [
      "Neg": { -$0 }, "Abs": { $0.magnitude }, "Sqrt": { $0.squareRoot() },
      "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) },
      "Round": { $0.rounded(.toNearestOrEven) }, "Reciprocal": { 1 / $0 },
      "Sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
    ]
    if node.type == "Not" {
      let x = try tensor(0)
      return ONNXTensor(x.shape, integers: try integers(0).map { $0 == 0 ? 1 : 0 }, .bool)
    }
    guard let function = functions[node.type] else { return nil }
    let x = try tensor(0)
    guard let integers = x.integers else {
      return ONNXTensor(x.shape, floats: x.floats.map(function))
    }
    switch node.type {
    case "Neg": return ONNXTensor(x.shape, integers: integers.map { 0 &- $0 }, x.scalar)
    case "Abs":
      return ONNXTensor(x.shape, integers: integers.map { $0 < 0 ? 0 &- $0 : $0 }, x.scalar)
    case "Sign": return ONNXTensor(x.shape, integers: integers.map { $0.signum() }, x.scalar)
    default: return nil
    }
  }

  func binary() throws(GraphError) -> ONNXTensor? {
    guard node.inputs.count == 2 else { return nil }
    let (a, b) = (try tensor(0), try tensor(1))
    let comparisons: [String: (Float, Float) -> Bool] = [
      "Equal": { $0 == $1 }, "Less": { $0 < $1 }, "Greater": { $0 > $1 },
      "LessOrEqual": { $0 <= $1 }, "GreaterOrEqual": { $0 >= $1 },
      "And": { $0 != 0 && $1 != 0 }, "Or": { $0 != 0 || $1 != 0 },
      "Xor": { ($0 != 0) != ($1 != 0) },
    ]
    func pairs<Value>(_ left: [Value], _ right: [Value]) throws(GraphError) -> (
      [Int], [(Value, Value)]
    ) {
      let whole = try Self.broadcast(a.shape, b.shape)
      let places = zip(Self.places(of: a.shape, in: whole), Self.places(of: b.shape, in: whole))
      return (whole, places.map { (left[$0], right[$1]) })
    }
    if let comparison = comparisons[node.type] {
      let (shape, values) = try pairs(a.floats, b.floats)
      return ONNXTensor(shape, integers: values.map { comparison($0, $1) ? 1 : 0 }, .bool)
    }
    if let left = a.integers, let right = b.integers {
      let functions: [String: (Int, Int) -> Int] = [
        "Add": { $0 &+ $1 }, "Sub": { $0 &- $1 }, "Mul": { $0 &* $1 },
        "Div": { $1 == 0 ? 0 : $0.dividedReportingOverflow(by: $1).partialValue },
        "Min": { min($0, $1) }, "Max": { max($0, $1) }, "Mod": Self.modulo,
      ]
      guard let function = functions[node.type] else { return nil }
      let (shape, values) = try pairs(left, right)
      return ONNXTensor(shape, integers: values.map { function($0, $1) }, a.scalar)
    }
    let functions: [String: (Float, Float) -> Float] = [
      "Add": { $0 + $1 }, "Sub": { $0 - $1 }, "Mul": { $0 * $1 }, "Div": { $0 / $1 },
      "Min": { min($0, $1) }, "Max": { max($0, $1) },
      "Pow": { $1 == 2 ? $0 * $0 : $1 == 0.5 ? $0.squareRoot() : .nan },
    ]
    guard let function = functions[node.type] else { return nil }
    let (shape, values) = try pairs(a.floats, b.floats)
    if node.type == "Pow", values.contains(where: { $1 != 2 && $1 != 0.5 }) { return nil }
    return ONNXTensor(shape, floats: values.map { function($0, $1) })
  }

  /// What is left of a division, with the divisor's sign.
  private static func modulo(_ a: Int, _ b: Int) -> Int {
    // −1 divides all, the smallest number too, whose quotient is none.
    guard b != 0, b != -1 else { return 0 }
    let rest = a % b
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  func reduced() throws(GraphError) -> ONNXTensor {
    let x = try tensor(0)
    let rank = x.shape.count
    if node.type == "CumSum" { return try summedUp(x) }
    let axes = try axes(1, rank: rank) ?? Array(0..<rank)
    let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
    let places = Self.places(of: kept, in: x.shape)
    let shape =
      integer("keepdims", 1) == 1
      ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
    func folded<Value>(_ values: [Value], _ function: (Value, Value) -> Value) -> [Value] {
      var result = [Value?](repeating: nil, count: kept.reduce(1, *))
      for (value, place) in zip(values, places) {
        result[place] = result[place].map { function($0, value) } ?? value
      }
      return result.compactMap { $0 }
    }
    if let values = x.integers {
      let functions: [String: (Int, Int) -> Int] = [
        "ReduceSum": { $0 &+ $1 }, "ReduceProd": { $0 &* $1 }, "ReduceMax": { max($0, $1) },
        "ReduceMin": { min($0, $1) },
      ]
      return ONNXTensor(shape, integers: folded(values, functions[node.type]!), x.scalar)
    }
    let functions: [String: (Float, Float) -> Float] = [
      "ReduceSum": { $0 + $1 }, "ReduceProd": { $0 * $1 }, "ReduceMax": { max($0, $1) },
      "ReduceMin": { min($0, $1) },
    ]
    return ONNXTensor(shape, floats: folded(x.floats, functions[node.type]!))
  }

  /// Sums up to each place of an axis.
  fileprivate func summedUp(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    let rank = x.shape.count
    guard let given = try integers(1).first, integer("exclusive", 0) == 0,
      integer("reverse", 0) == 0
    else { throw GraphError("it sums up in another way than from the first place on") }
    let axis = given < 0 ? given + rank : given
    guard x.shape.indices.contains(axis) else { throw GraphError("there is no axis \(given)") }
    let step = strides(x.shape)[axis]
    func summed<Value>(_ values: [Value], _ sum: (Value, Value) -> Value) -> [Value] {
      var values = values
      for index in values.indices where index / step % x.shape[axis] > 0 {
        values[index] = sum(values[index - step], values[index])
      }
      return values
    }
    if let values = x.integers {
      return ONNXTensor(x.shape, integers: summed(values, &+), x.scalar)
    }
    return ONNXTensor(x.shape, floats: summed(x.floats, +))
  }
}
