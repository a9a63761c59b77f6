import LockstepEngine

extension Operators {
  /// Operators that change shapes, take parts and put parts together.
  static func shapes(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "Reshape": try reshape(call)
    case "Flatten": try flatten(call)
    case "Squeeze": try squeeze(call)
    case "Unsqueeze": try unsqueeze(call)
    case "Transpose": try transpose(call)
    case "Concat": try concatenate(call)
    case "Split": try split(call)
    case "Slice": try slice(call)
    case "Gather": try gather(call)
    case "Expand": try expand(call)
    case "Tile": try tile(call)
    case "Pad": try pad(call)
    default: nil
    }
  }

  private static func reshape(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    guard var target = try call.integers(1) ?? call.integers(attribute: "shape") else {
      throw GraphError("the shape is missing")
    }
    if call.integer("allowzero", 0) == 0 {
      for (axis, size) in target.enumerated() where size == 0 && axis < x.shape.count {
        target[axis] = x.shape[axis]
      }
    }
    return [.tensor(try reshaped(x, to: target, call))]
  }

  /// A tensor under another shape, which may be one for the number of examples that the file was exported for.
  private static func reshaped(
    _ x: BatchedTensor, to given: [Int], _ call: OperatorCall
  ) throws(GraphError) -> BatchedTensor {
    var target = given
    let count = call.trace.fixedCount
    guard let place = x.place, let count, count != call.graph.batchCount else {
      let result = x.tensor.reshaped(to: target)
      return BatchedTensor(
        result,
        x.place?.moved(from: x.shape, to: result.shape, count: call.graph.batchCount))
    }
    // The shape that the file means has its own number of examples.
    var before = x.shape
    before[place.axis] = before[place.axis] / call.graph.batchCount * count
    if let open = target.firstIndex(of: -1) {
      let known = target.enumerated().filter { $0.offset != open }.map(\.element).reduce(1, *)
      target[open] = known == 0 ? 0 : before.reduce(1, *) / known
    }
    if target.reduce(1, *) == before.reduce(1, *),
      let moved = place.moved(from: before, to: target, count: count)
    {
      target[moved.axis] = target[moved.axis] / count * call.graph.batchCount
      return BatchedTensor(x.tensor.reshaped(to: target), moved)
    }
    // A shape that follows from the trace.
    let result = x.tensor.reshaped(to: given)
    return BatchedTensor(
      result, place.moved(from: x.shape, to: result.shape, count: call.graph.batchCount))
  }

  private static func flatten(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let given = call.integer("axis", 1)
    let axis = given < 0 ? given + x.shape.count : given
    guard (0...x.shape.count).contains(axis) else { throw GraphError("there is no axis \(given)") }
    let target = [x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)]
    return [.tensor(moved(x, to: target))]
  }

  /// A tensor under another shape for as many examples.
  private static func moved(_ x: BatchedTensor, to target: [Int]) -> BatchedTensor {
    BatchedTensor(
      x.tensor.reshaped(to: target),
      x.place?.moved(from: x.shape, to: target, count: x.tensor.graph.batchCount))
  }

  private static func squeeze(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    var axes = x.shape.indices.filter { x.shape[$0] == 1 }
    if let given = try call.axes(input: 1) {
      axes = []
      for axis in given { axes.append(try call.axis(axis, of: x.shape.count)) }
    }
    guard axes.allSatisfy({ x.shape[$0] == 1 }) else {
      throw GraphError("the axes \(axes) of \(x.shape) are not all of size 1")
    }
    let kept = x.shape.indices.filter { !axes.contains($0) }
    return [
      .tensor(
        BatchedTensor(
          x.tensor.reshaped(to: kept.map { x.shape[$0] }), x.place?.permuted(kept)))
    ]
  }

  private static func unsqueeze(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    guard let given = try call.axes(input: 1) else { throw GraphError("the axes are missing") }
    let rank = x.shape.count + given.count
    var axes: [Int] = []
    for axis in given { axes.append(try call.axis(axis, of: rank)) }
    var rest = Array(x.shape.indices)[...]
    // For each axis of the result the one of the input, -1 for a new one.
    let sources = (0..<rank).map { axes.contains($0) ? -1 : rest.popFirst() ?? -1 }
    let target = sources.map { $0 < 0 ? 1 : x.shape[$0] }
    return [
      .tensor(BatchedTensor(x.tensor.reshaped(to: target), x.place?.permuted(sources)))
    ]
  }

  private static func transpose(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    switch try call.value(0) {
    case .turned(let weight): return [.tensor(BatchedTensor(weight))]
    case let value:
      let x = try call.trace.tensor(value, in: call.node)
      let order = call.integers(attribute: "perm") ?? x.shape.indices.reversed()
      guard order.sorted() == Array(x.shape.indices) else {
        throw GraphError("\(order) is no order of the axes of \(x.shape)")
      }
      // A matrix's transpose is what linear maps are made of.
      if order == [1, 0], call.isWeight(0) { return [.turned(x.tensor)] }
      return [.tensor(BatchedTensor(x.tensor.transposed(order), x.place?.permuted(order)))]
    }
  }

  private static func concatenate(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    var parts: [BatchedTensor] = []
    for input in call.node.inputs.indices { parts.append(try call.batched(input)) }
    guard let first = parts.first else { throw GraphError("it has no inputs") }
    let axis = try call.axis(call.integer("axis", 0), of: first.shape.count)
    return [
      .tensor(
        BatchedTensor(
          Tensor.concatenated(parts.map(\.tensor), axis: axis), place(of: parts)))
    ]
  }

  private static func split(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let axis = try call.axis(call.integer("axis", 0), of: x.shape.count)
    let parts = call.node.outputs.count
    let size = (x.shape[axis] + parts - 1) / parts
    let sizes =
      try call.integers(1) ?? call.integers(attribute: "split")
      ?? (0..<parts).map { min(size, x.shape[axis] - $0 * size) }
    guard sizes.count == parts else {
      throw GraphError("\(sizes) are not the sizes of \(parts) parts")
    }
    return x.tensor.split(axis: axis, sizes: sizes).map { .tensor(BatchedTensor($0, x.place)) }
  }

  private static func slice(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    var x = try call.batched(0)
    for part in try SlicePart.all(call, shape: x.shape) {
      guard part.step == 1 else {
        throw GraphError("a slice with steps of \(part.step)")
      }
      guard part.count > 0 else { throw GraphError("an empty slice of \(x.shape)") }
      guard part.count < x.shape[part.axis] else { continue }
      x = BatchedTensor(
        x.tensor.sliced(axis: part.axis, part.start..<part.start + part.count), x.place)
    }
    return [.tensor(x)]
  }

  private static func gather(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let axisGiven = call.integer("axis", 0)
    if case .constant(let indices) = try call.value(1) {
      let x = try call.batched(0)
      let axis = try call.axis(axisGiven, of: x.shape.count)
      guard let places = indices.integers else { throw GraphError("its indices are no integers") }
      return [.tensor(try picked(x, places, indices.shape, axis))]
    }
    let (table, indices) = (try call.tensor(0), try call.batched(1))
    let axis = try call.axis(axisGiven, of: table.shape.count)
    guard indices.tensor.type.scalar == .int32 else {
      throw GraphError(
        "its indices are numbers of single precision: the data has values where the model takes tokens"
      )
    }
    return [.tensor(BatchedTensor(table.gathered(indices.tensor, axis: axis), indices.place))]
  }

  /// Parts of an axis at places that are known.
  private static func picked(
    _ x: BatchedTensor, _ places: [Int], _ shape: [Int], _ axis: Int
  ) throws(GraphError) -> BatchedTensor {
    let size = x.shape[axis]
    let places = places.map { $0 < 0 ? $0 + size : $0 }
    guard places.allSatisfy((0..<size).contains), !places.isEmpty else {
      throw GraphError("the indices \(places) are not all inside the axis \(axis) of \(x.shape)")
    }
    // One place is a part whose axis vanishes; neighbours are a slice.
    if shape.isEmpty {
      let kept = x.shape.indices.filter { $0 != axis }
      return BatchedTensor(
        x.tensor.selected(places[0], axis: axis), x.place?.permuted(kept))
    }
    let target = x.shape[..<axis] + shape + x.shape[(axis + 1)...]
    let sources = (0..<axis) + shape.map { _ in -1 } + ((axis + 1)..<x.shape.count)
    let place = x.place?.permuted(Array(sources))
    if places == Array(places[0]..<places[0] + places.count) {
      return BatchedTensor(
        x.tensor.sliced(axis: axis, places[0]..<places[0] + places.count)
          .reshaped(to: Array(target)), place)
    }
    guard places.count <= 1 << 12 else {
      throw GraphError("\(places.count) places of an axis in another order")
    }
    let parts = places.map { x.tensor.sliced(axis: axis, $0..<$0 + 1) }
    return BatchedTensor(
      Tensor.concatenated(parts, axis: axis).reshaped(to: Array(target)), place)
  }

  private static func expand(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    guard let given = try call.integers(1) else { throw GraphError("the shape is missing") }
    let rank = max(given.count, x.shape.count)
    func padded(_ shape: [Int]) -> [Int] {
      Array(repeating: 1, count: rank - shape.count) + shape
    }
    let own = padded(x.shape)
    var wanted = padded(given)
    var place = place(of: [x])
    // The number of examples that the file means gives way to the number at hand: on the axis of examples, and
    // on the first one of what all examples share.
    if let count = call.trace.fixedCount, count != call.graph.batchCount {
      let axis = x.place.map { $0.axis + rank - x.shape.count } ?? 0
      if rank > 0, wanted[axis] == count, own[axis] == (x.place == nil ? 1 : own[axis]) {
        wanted[axis] = max(call.graph.batchCount, own[axis])
        place = place ?? BatchPlace(axis: 0)
      }
    }
    guard zip(own, wanted).allSatisfy({ $0 == $1 || $0 == 1 || $1 == 1 }) else {
      throw GraphError("\(x.shape) does not broadcast to \(given)")
    }
    return [
      .tensor(
        BatchedTensor(
          x.tensor.broadcast(to: zip(own, wanted).map { max($0, $1) }), place))
    ]
  }

  private static func tile(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    var x = try call.batched(0)
    guard let repeats = try call.integers(1), repeats.count == x.shape.count else {
      throw GraphError("the repeats do not fit \(x.shape)")
    }
    for (axis, count) in repeats.enumerated() where count != 1 {
      guard count > 0, count <= 1 << 12 else { throw GraphError("\(count) repeats") }
      x = BatchedTensor(
        Tensor.concatenated(Array(repeating: x.tensor, count: count), axis: axis), x.place)
    }
    return [.tensor(x)]
  }

  private static func pad(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    guard call.string("mode", "constant") == "constant" else {
      throw GraphError("it pads with the tensor's own values; zeros are what is taken")
    }
    guard let pads = try call.integers(1) ?? call.integers(attribute: "pads") else {
      throw GraphError("the padding is missing")
    }
    let value = try call.constant(2)?.floats.first ?? call.float("value", 0)
    var axes = Array(x.shape.indices)
    if let given = try call.integers(3) {
      axes = []
      for axis in given { axes.append(try call.axis(axis, of: x.shape.count)) }
    }
    guard pads.count == 2 * axes.count else { throw GraphError("\(pads) do not fit \(x.shape)") }
    var result = x.tensor
    for (index, axis) in axes.enumerated() {
      let (low, high) = (pads[index], pads[index + axes.count])
      let kept = max(-low, 0)..<result.shape[axis] - max(-high, 0)
      if kept.count < result.shape[axis] { result = result.sliced(axis: axis, kept) }
      func filling(_ count: Int) -> [Tensor] {
        var shape = result.shape
        shape[axis] = count
        return count > 0 ? [call.graph.constant(value, shape)] : []
      }
      let parts = filling(low) + [result] + filling(high)
      result = Tensor.concatenated(parts, axis: axis)
    }
    return one(result, like: x)
  }
}

extension OperatorCall {
  /// Whether an input is a weight of the file as it is.
  func isWeight(_ input: Int) -> Bool {
    if case .direct? = binding(input) { true } else { false }
  }
}

extension SlicePart {
  /// The parts of a node's slice of a tensor.
  static func all(_ call: OperatorCall, shape: [Int]) throws(GraphError) -> [SlicePart] {
    guard let starts = try call.integers(1) ?? call.integers(attribute: "starts"),
      let ends = try call.integers(2) ?? call.integers(attribute: "ends")
    else { throw GraphError("the ends of the slice are missing") }
    return try all(
      starts, ends, axes: try call.integers(3) ?? call.integers(attribute: "axes"),
      steps: try call.integers(4), shape: shape)
  }
}
