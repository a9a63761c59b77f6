import LockstepEngine

extension Operators {
  /// Lists of tensors, as they come of splits.
  static func sequences(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    switch call.node.type {
    case "SplitToSequence": return [.sequence(try parts(call))]
    case "SequenceAt":
      guard case .sequence(let parts) = try call.value(0), let place = try call.integers(1)?.first
      else { throw GraphError("expects a list and a place in it") }
      let index = place < 0 ? place + parts.count : place
      guard parts.indices.contains(index) else {
        throw GraphError("there is no part \(place) of \(parts.count)")
      }
      return [parts[index]]
    case "SequenceConstruct":
      var parts: [ImportedValue] = []
      for input in call.node.inputs.indices { parts.append(try call.value(input)) }
      return [.sequence(parts)]
    case "ConcatFromSequence": return [.tensor(try joined(call))]
    default: return nil
    }
  }

  private static func parts(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    let x = try call.batched(0)
    let axis = try call.axis(call.integer("axis", 0), of: x.shape.count)
    guard let split = try call.constant(1), let sizes = split.integers,
      call.integer("keepdims", 1) == 1
    else { throw GraphError("it splits an axis into single positions") }
    let parts =
      split.shape.isEmpty
      ? x.tensor.split(axis: axis, every: sizes[0]) : x.tensor.split(axis: axis, sizes: sizes)
    return parts.map { .tensor(BatchedTensor($0, x.place)) }
  }

  private static func joined(_ call: OperatorCall) throws(GraphError) -> BatchedTensor {
    guard case .sequence(let values) = try call.value(0) else { throw GraphError("expects a list") }
    var parts: [BatchedTensor] = []
    for value in values { parts.append(try call.trace.tensor(value, in: call.node)) }
    guard call.integer("new_axis", 0) == 0, let first = parts.first else {
      throw GraphError("it stacks tensors on a new axis")
    }
    let axis = try call.axis(call.integer("axis", 0), of: first.shape.count)
    return BatchedTensor(Tensor.concatenated(parts.map(\.tensor), axis: axis), place(of: parts))
  }
}
