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
      return [ONNXTensor([], integers: [try call.integers(0).reduce(1, *)])]
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
        let count = max(0, (limit - start + step - (step > 0 ? 1 : -1)) / step)
        try ConstantOperators.check([count])
        return ONNXTensor([count], integers: (0..<count).map { start + $0 * step })
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
      let values = (0..<shape[0] * shape[1]).map { index -> Float in
        index % shape[1] == index / shape[1] + shift ? 1 : 0
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

  // MARK: Values in other places

  /// The values of a tensor at places of its row-major order.
  private func taken(_ tensor: ONNXTensor, _ shape: [Int], _ places: [Int]) -> ONNXTensor {
    switch tensor.values {
    case .floats(let values): ONNXTensor(shape, floats: places.map { values[$0] })
    case .integers(let values):
      ONNXTensor(shape, integers: places.map { values[$0] }, tensor.scalar)
    }
  }

  /// For each value of a result its place in a tensor that is broadcast to the result's shape.
  static func places(of shape: [Int], in whole: [Int]) -> [Int] {
    var strides = [Int](repeating: 0, count: whole.count)
    var stride = 1
    for axis in shape.indices.reversed() {
      if shape[axis] != 1 { strides[axis + whole.count - shape.count] = stride }
      stride *= shape[axis]
    }
    return walk(whole, strides)
  }

  /// Offsets of a walk through a shape with the strides of its axes.
  static func walk(_ shape: [Int], _ strides: [Int], from start: Int = 0) -> [Int] {
    var places = [start]
    for (size, stride) in zip(shape, strides) {
      places = places.flatMap { place in (0..<size).map { place + $0 * stride } }
    }
    return places
  }

  private func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  func moved() throws(GraphError) -> ONNXTensor {
    let x = try tensor(0)
    let rank = x.shape.count
    switch node.type {
    case "Concat": return try concatenated()
    case "Slice": return try sliced(x)
    case "Gather":
      let axis = try axis(0, rank: rank)
      let indices = try tensor(1)
      let size = x.shape[axis]
      let picks = try integers(1).map { $0 < 0 ? $0 + size : $0 }
      guard picks.allSatisfy((0..<size).contains) else {
        throw GraphError("the indices \(picks) are not all inside the axis \(axis) of \(x.shape)")
      }
      let steps = strides(x.shape)
      var places: [Int] = [0]
      places = Self.walk(Array(x.shape[..<axis]), Array(steps[..<axis]))
        .flatMap { start in picks.map { start + $0 * steps[axis] } }
        .flatMap { Self.walk(Array(x.shape[(axis + 1)...]), Array(steps[(axis + 1)...]), from: $0) }
      return taken(
        x, Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...]), places)
    case "Transpose":
      let order = list("perm") ?? Array(x.shape.indices.reversed())
      guard order.sorted() == Array(x.shape.indices) else {
        throw GraphError("\(order) is no order of the axes of \(x.shape)")
      }
      let steps = strides(x.shape)
      let shape = order.map { x.shape[$0] }
      return taken(x, shape, Self.walk(shape, order.map { steps[$0] }))
    case "Expand":
      let whole = try Self.broadcast(x.shape, try integers(1))
      return taken(x, whole, Self.places(of: x.shape, in: whole))
    case "Tile":
      let repeats = try integers(1)
      guard repeats.count == rank else { throw GraphError("the repeats do not fit \(x.shape)") }
      let shape = zip(x.shape, repeats).map { $0 * $1 }
      try ConstantOperators.check(shape)
      let steps = strides(x.shape)
      var places = [0]
      for axis in shape.indices {
        places = places.flatMap { place in
          (0..<shape[axis]).map { place + $0 % x.shape[axis] * steps[axis] }
        }
      }
      return taken(x, shape, places)
    case "Trilu":
      guard rank >= 2 else { throw GraphError("expects matrices, got \(x.shape)") }
      let shift = has(1) ? try integers(1).first ?? 0 : 0
      let isUpper = integer("upper", 1) == 1
      let (rows, columns) = (x.shape[rank - 2], x.shape[rank - 1])
      func isKept(_ index: Int) -> Bool {
        let distance = index % columns - index / columns % rows
        return isUpper ? distance >= shift : distance <= shift
      }
      if let values = x.integers {
        return ONNXTensor(
          x.shape, integers: values.indices.map { isKept($0) ? values[$0] : 0 }, x.scalar)
      }
      let values = x.floats
      return ONNXTensor(x.shape, floats: values.indices.map { isKept($0) ? values[$0] : 0 })
    default: return try reshaped(x)
    }
  }

  private func reshaped(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    var result = x
    let rank = x.shape.count
    switch node.type {
    case "Unsqueeze":
      let count = try list("axes", or: 1)?.count ?? 0
      guard let axes = try axes(1, rank: rank + count) else {
        throw GraphError("the axes are missing")
      }
      var rest = x.shape[...]
      result.shape = (0..<rank + count).map { axes.contains($0) ? 1 : rest.popFirst() ?? 1 }
    case "Squeeze":
      let axes = try axes(1, rank: rank) ?? x.shape.indices.filter { x.shape[$0] == 1 }
      result.shape = x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
    case "Flatten":
      let axis = try axis(1, rank: rank + 1)
      result.shape = [x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)]
    default:
      var shape = try integers(1)
      for (axis, size) in shape.enumerated()
      where size == 0 && axis < rank && integer("allowzero", 0) == 0 {
        shape[axis] = x.shape[axis]
      }
      if let open = shape.firstIndex(of: -1) {
        let known = shape.enumerated().filter { $0.offset != open }.map(\.element).reduce(1, *)
        shape[open] = known == 0 ? 0 : x.count / known
      }
      result.shape = shape
    }
    guard result.count == x.count else {
      throw GraphError("\(x.shape) does not fill \(result.shape)")
    }
    return result
  }

  private func concatenated() throws(GraphError) -> ONNXTensor {
    var parts: [ONNXTensor] = []
    for input in inputs.indices { parts.append(try tensor(input)) }
    let rank = parts[0].shape.count
    let axis = try axis(0, rank: rank)
    guard rank > 0, parts.allSatisfy({ $0.shape.count == rank }) else {
      throw GraphError("tensors of shapes \(parts.map(\.shape)) are not put together")
    }
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    func joined<Value>(_ values: (ONNXTensor) -> [Value]) -> [Value] {
      let lists = parts.map(values)
      return (0..<outer).flatMap { block in
        zip(parts, lists).flatMap { part, list in
          let size = part.shape[axis] * inner
          return list[block * size..<(block + 1) * size]
        }
      }
    }
    if parts.allSatisfy({ $0.integers != nil }) {
      return ONNXTensor(shape, integers: joined { $0.integers ?? [] }, parts[0].scalar)
    }
    return ONNXTensor(shape, floats: joined(\.floats))
  }

  private func sliced(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    guard let starts = try list("starts", or: 1), let ends = try list("ends", or: 2) else {
      throw GraphError("the ends of the slice are missing")
    }
    let parts = try SlicePart.all(
      starts, ends, axes: try list("axes", or: 3), steps: has(4) ? try integers(4) : nil,
      shape: x.shape)
    var (shape, steps, start) = (x.shape, strides(x.shape), 0)
    for part in parts {
      start += part.start * steps[part.axis]
      shape[part.axis] = part.count
      steps[part.axis] *= part.step
    }
    return taken(x, shape, Self.walk(shape, steps, from: start))
  }

  func split() throws(GraphError) -> [ONNXTensor] {
    let x = try tensor(0)
    let axis = try axis(0, rank: x.shape.count)
    let count = node.outputs.count
    let size = (x.shape[axis] + count - 1) / count
    let sizes =
      try list("split", or: 1) ?? (0..<count).map { min(size, x.shape[axis] - $0 * size) }
    guard sizes.count == count, sizes.reduce(0, +) == x.shape[axis],
      sizes.allSatisfy({ $0 >= 0 })
    else { throw GraphError("\(sizes) do not fill the axis \(axis) of \(x.shape)") }
    let steps = strides(x.shape)
    var start = 0
    return sizes.map { size in
      defer { start += size }
      var shape = x.shape
      shape[axis] = size
      return taken(x, shape, Self.walk(shape, steps, from: start * steps[axis]))
    }
  }

  // MARK: Arithmetic

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
    case "Abs": return ONNXTensor(x.shape, integers: integers.map { abs($0) }, x.scalar)
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
        "Div": { $1 == 0 ? 0 : $0 / $1 }, "Min": { min($0, $1) }, "Max": { max($0, $1) },
        "Mod": { $1 == 0 ? 0 : (($0 % $1) + $1) % $1 },
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
  private func summedUp(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    let rank = x.shape.count
    guard let given = try integers(1).first, integer("exclusive", 0) == 0,
      integer("reverse", 0) == 0
    else { throw GraphError("it sums up in another way than from the first place on") }
    let axis = given < 0 ? given + rank : given
    guard x.shape.indices.contains(axis) else { throw GraphError("there is no axis \(given)") }
    let step = strides(x.shape)[axis]
    func summed<Value: AdditiveArithmetic>(_ values: [Value]) -> [Value] {
      var values = values
      for index in values.indices where index / step % x.shape[axis] > 0 {
        values[index] = values[index] + values[index - step]
      }
      return values
    }
    if let values = x.integers { return ONNXTensor(x.shape, integers: summed(values), x.scalar) }
    return ONNXTensor(x.shape, floats: summed(x.floats))
  }
}
