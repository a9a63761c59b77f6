import LockstepEngine

extension Operators {
  /// Recurrent layers: positions first, [T, N, in] to [T, D, N, H].
  static func recurrent(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    ["LSTM", "GRU", "RNN"].contains(call.node.type) ? try recurrence(call) : nil
  }

  private static func recurrence(_ call: OperatorCall) throws(GraphError) -> [ImportedValue] {
    guard let cell = call.node.recurrentCell, let hidden = call.node.hiddenSize else {
      throw GraphError("its functions are not those of PyTorch's layer")
    }
    try call.checkRecurrence(cell)
    let given = try call.batched(0)
    guard given.shape.count == 3 else {
      throw GraphError("expects an input [T, N, in], got \(given.shape)")
    }
    let isBatchFirst = call.integer("layout", 0) == 1
    let x = isBatchFirst ? given.tensor : given.tensor.transposed([1, 0, 2])
    let count = x.shape[0]
    let direction = call.string("direction", "forward")
    let passes = direction == "bidirectional" ? [false, true] : [direction == "reverse"]
    let weights = try RecurrentWeights(call, cell, hidden, directions: passes.count)
    let lengths = try call.lengths(positions: x.shape[1], count: count)
    let firsts = (try call.state(5, passes.count), try call.state(6, passes.count))
    let results = passes.indices.map { index in
      let first =
        firsts.0.map { hidden in
          (hidden: hidden[index], memory: firsts.1?[index])
        }
        ?? firsts.1.map { memory in
          (hidden: call.graph.constant(0, [count, hidden]), memory: memory[index])
        }
      return x.linear(weights.inputs[index], weights.biases?[index].input).recurrent(
        cell, weights.states[index], bias: weights.biases?[index].state,
        reverses: passes[index], lengths: lengths, state: first)
    }
    func stacked(_ states: [Tensor]) -> Tensor {
      Tensor.stacked(states, axis: isBatchFirst ? 1 : 0)
    }
    let place: (Int) -> BatchPlace? = { axis in given.place.map { _ in BatchPlace(axis: axis) } }
    // [N, T, H] of each direction to [T, D, N, H], or [N, T, D, H].
    let sequences = Tensor.stacked(results.map(\.sequence), axis: 2)
    let sequence = isBatchFirst ? sequences : sequences.transposed([1, 2, 0, 3])
    let axis = isBatchFirst ? 0 : 1
    var values: [ImportedValue] = [
      .tensor(BatchedTensor(sequence, place(isBatchFirst ? 0 : 2))),
      .tensor(BatchedTensor(stacked(results.map(\.hidden)), place(axis))),
    ]
    let memories = results.compactMap(\.memory)
    if !memories.isEmpty { values.append(.tensor(BatchedTensor(stacked(memories), place(axis)))) }
    return values
  }
}

extension OperatorCall {
  fileprivate func checkRecurrence(_ cell: RecurrentCell) throws(GraphError) {
    if cell == .gru, integer("linear_before_reset", 0) != 1 {
      throw GraphError(
        "its reset gate multiplies the state before the product (linear_before_reset = 0), and PyTorch's "
          + "layer behind it")
    }
    if node["clip"] != nil || integer("input_forget", 0) != 0 || has(7) {
      throw GraphError("it clips, couples gates or has peepholes, which PyTorch's layer does not")
    }
  }

  /// The first states or memories of all directions, [N, H] each; nil where they are zeros.
  fileprivate func state(_ input: Int, _ directions: Int) throws(GraphError) -> [Tensor]? {
    guard has(input) else { return nil }
    if case .constant(let tensor) = try value(input), tensor.floats.allSatisfy({ $0 == 0 }) {
      return nil
    }
    let state = try tensor(input)
    let axis = integer("layout", 0) == 1 ? 1 : 0
    guard state.shape.count == 3, state.shape[axis] == directions else {
      throw GraphError("its first state has the shape \(state.shape)")
    }
    return (0..<directions).map { state.selected($0, axis: axis) }
  }

  /// The lengths of the sequences; nil where all are as long as they can be.
  fileprivate func lengths(positions: Int, count: Int) throws(GraphError) -> Tensor? {
    guard has(4) else { return trace.readLengths() }
    if case .constant(let tensor) = try value(4),
      tensor.integers?.allSatisfy({ $0 == positions }) == true
    {
      return trace.readLengths()
    }
    let lengths = try tensor(4)
    guard lengths.type == TensorType([count], .int32) else {
      throw GraphError("the sequences' lengths must be integers [N], got \(lengths.shape)")
    }
    return lengths
  }
}

/// The weights of the directions of a recurrent layer, in PyTorch's order of gates.
private struct RecurrentWeights {
  let inputs: [Tensor]
  let states: [Tensor]
  let biases: [(input: Tensor, state: Tensor)]?

  init(
    _ call: OperatorCall, _ cell: RecurrentCell, _ hidden: Int, directions: Int
  ) throws(GraphError) {
    /// Rows of gates in PyTorch's order, of rows in ONNX's.
    func ordered(_ rows: Tensor) -> Tensor {
      let order = cell.onnxGates
      guard order != Array(order.indices) else { return rows }
      let parts = rows.split(axis: 0, every: hidden)
      guard parts.count == order.count else { return rows }
      let places = order.indices.map { ours in order.firstIndex(of: ours) ?? 0 }
      return Tensor.concatenated(places.map { parts[$0] }, axis: 0)
    }
    func matrices(_ input: Int) throws(GraphError) -> [Tensor] {
      if case .directions(let names)? = call.binding(input) {
        var found: [Tensor] = []
        for name in names { found.append(try call.trace.parameter(name)) }
        return found
      }
      let all = try call.tensor(input)
      guard all.shape.count == 3, all.shape[0] == directions,
        all.shape[1] == cell.gates * hidden
      else { throw GraphError("a weight has the shape \(all.shape)") }
      return (0..<directions).map { ordered(all.selected($0, axis: 0)) }
    }
    inputs = try matrices(1)
    states = try matrices(2)
    guard call.has(3) else {
      biases = nil
      return
    }
    if case .biases(let names)? = call.binding(3) {
      var found: [(input: Tensor, state: Tensor)] = []
      for pair in names {
        found.append((try call.trace.parameter(pair.input), try call.trace.parameter(pair.state)))
      }
      biases = found
      return
    }
    let all = try call.tensor(3)
    let rows = cell.gates * hidden
    guard all.shape == [directions, 2 * rows] else {
      throw GraphError("a bias has the shape \(all.shape)")
    }
    biases = (0..<directions).map { direction in
      let both = all.selected(direction, axis: 0)
      return (
        ordered(both.sliced(axis: 0, 0..<rows)), ordered(both.sliced(axis: 0, rows..<2 * rows))
      )
    }
  }
}
