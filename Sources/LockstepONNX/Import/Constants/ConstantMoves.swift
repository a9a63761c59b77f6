import LockstepEngine

// Values in other places, and under other shapes.

extension ConstantCall {
  /// The values of a tensor at places of its row-major order.
  fileprivate func taken(_ tensor: ONNXTensor, _ shape: [Int], _ places: [Int]) -> ONNXTensor {
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

  func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  func moved() throws(GraphError) -> ONNXTensor {
    let x = try tensor(0)
    switch node.type {
    case "Concat": return try concatenated()
    case "Slice": return try sliced(x)
    case "Gather": return try gathered(x)
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
    case "Tile": return try tiled(x)
    case "Trilu": return try triangle(x)
    default: return try reshaped(x)
    }
  }

  /// Parts of an axis by their indices.
  private func gathered(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    let rank = x.shape.count
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
  }

  /// The tensor so many times on each axis.
  private func tiled(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    let rank = x.shape.count
    let repeats = try integers(1)
    guard repeats.count == rank else { throw GraphError("the repeats do not fit \(x.shape)") }
    guard repeats.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw GraphError("\(repeats) are no numbers of repeats")
    }
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
  }

  /// Matrices without what lies below or above a diagonal.
  private func triangle(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
    let rank = x.shape.count
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
  }

  fileprivate func reshaped(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
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
        let known = shape.enumerated().filter { $0.offset != open }.map(\.element).reduce(1, &*)
        shape[open] = known == 0 ? 0 : x.count / known
      }
      result.shape = shape
    }
    guard result.count == x.count else {
      throw GraphError("\(x.shape) does not fill \(result.shape)")
    }
    return result
  }

  fileprivate func concatenated() throws(GraphError) -> ONNXTensor {
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

  fileprivate func sliced(_ x: ONNXTensor) throws(GraphError) -> ONNXTensor {
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
}
