/// A recurrent network along the sequences of a batch, one direction of one layer.
///
/// Inputs: a [N, T, G·H], the products of the inputs and their weights; the recurrent weight [G·H, H] and
/// bias [G·H], which make q = W · h + b of the state before; the first state [N, H], and memory [N, H] where
/// there is one; the lengths [N], Int32, where sequences have lengths of their own. Results: the states
/// [N, T, H]; the last state, and memory; what the gradient needs, [N, T, kept · H].
///
/// ``RecurrentCell`` says what happens at a position. Behind a sequence's end results are 0 and the state
/// stays; a reverse pass begins at each sequence's last position. A length below 0 counts as 0, above T as T.
///
/// The work is linear in T: one product of N rows for each position.
package struct Recurrence: Operation {
  package let pass: RecurrentPass
  package var name: String { pass.name }
  /// All is computed in Float32; products of other operations may be stored as they like.
  package var precisionRole: PrecisionRole { .neutral }
  package var outputCount: Int { 2 + (pass.cell.hasMemory ? 1 : 0) + (pass.cell.kept > 0 ? 1 : 0) }

  struct Operands<Value> {
    let products: Value
    let weight: Value
    let bias: Value
    let first: RecurrentState<Value>
    let lengths: Value?

    init(_ values: [Value], _ pass: RecurrentPass) {
      var rest = values[...]
      products = rest.removeFirst()
      weight = rest.removeFirst()
      bias = rest.removeFirst()
      first = RecurrentState(&rest, pass)
      lengths = pass.hasLengths ? rest.removeFirst() : nil
    }
  }

  struct Results<Value> {
    let sequence: Value
    let last: RecurrentState<Value>
    let kept: Value?

    init(_ values: [Value], _ pass: RecurrentPass) {
      var rest = values[...]
      sequence = rest.removeFirst()
      last = RecurrentState(&rest, pass)
      kept = pass.cell.kept > 0 ? rest.removeFirst() : nil
    }

    /// What a gradient or a tangent needs of the forward pass.
    var trail: [Value] { [sequence] + (kept.map { [$0] } ?? []) }
  }

  package func acceptsIntegers(_ input: Int) -> Bool {
    pass.hasLengths && input == (pass.cell.hasMemory ? 5 : 4)
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let operands = Operands(inputs, pass)
    let (a, w) = (operands.products.shape, operands.weight.shape)
    try expect(
      w.count == 2 && w[0] == pass.cell.gates * w[1],
      "expects a recurrent weight [\(pass.cell.gates) · hidden, hidden], got \(w)")
    try expect(
      a.count == 3 && a[2] == w[0], "expects products [N, T, \(w[0])] of the input, got \(a)")
    try expect(
      operands.bias.shape == [w[0]], "the bias must be [\(w[0])], got \(operands.bias.shape)")
    for state in operands.first.values {
      try expect(
        state.shape == [a[0], w[1]], "the first state must be \([a[0], w[1]]), got \(state.shape)")
    }
    if let lengths = operands.lengths {
      try expect(
        lengths == TensorType([a[0]], .int32),
        "the lengths must be Int32 [\(a[0])], got \(lengths.scalar) \(lengths.shape)")
    }
    let state = TensorType([a[0], w[1]])
    return [TensorType([a[0], a[1], w[1]])] + operands.first.values.map { _ in state }
      + (pass.cell.kept > 0 ? [TensorType([a[0], a[1], pass.cell.kept * w[1]])] : [])
  }

  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    let state = TensorType([1, 1])
    return (0..<outputCount).map {
      $0 == 0 || $0 > (pass.cell.hasMemory ? 2 : 1) ? TensorType([1, 1, 1]) : state
    }
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    let (operands, results) = (Operands(call.inputs, pass), Results(call.outputs, pass))
    let lasts = gradients[1...(pass.cell.hasMemory ? 2 : 1)]
    guard gradients[0] != nil || lasts.contains(where: { $0 != nil }) else {
      return call.inputs.map { _ in nil }
    }
    let graph = results.sequence.graph
    let lengths = operands.lengths.map { [$0] } ?? []
    let zero = graph.constant(0, operands.first.hidden.shape)
    let parts = graph.apply(
      RecurrenceGradient(pass: pass, hasSequence: gradients[0] != nil),
      [operands.weight] + operands.first.values + results.trail + lasts.map { $0 ?? zero }
        + (gradients[0].map { [$0] } ?? []) + lengths)
    let states = Array(parts.suffix(operands.first.values.count))
    var weights: [Tensor?] = [nil, nil]
    if call.needs[1] || call.needs[2] {
      let before = graph.apply(
        RecurrenceHistory(pass: pass), [results.sequence, operands.first.hidden] + lengths)[0]
      let products = parts[pass.cell.separatesProducts ? 1 : 0]
      weights = graph.apply(
        LinearWeightGradient(bias: true),
        [before, products].map { $0.reshaped(to: [-1, $0.shape[2]]) })
    }
    return [parts[0]] + weights + states + lengths.map { _ in nil }
  }

  /// With ȧ, and q̇ = Ẇ · h + ḃ of what does not come through the state, for all positions at once.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    let (operands, results) = (Operands(call.inputs, pass), Results(call.outputs, pass))
    let graph = results.sequence.graph
    let shape = operands.products.shape
    func zero(_ shape: [Int]) -> Tensor { graph.constant(0, shape) }
    let lengths = operands.lengths.map { [$0] } ?? []
    var products: Tensor?
    if let weight = tangents[1] {
      let before = graph.apply(
        RecurrenceHistory(pass: pass), [results.sequence, operands.first.hidden] + lengths)[0]
      products = before.linear(weight, tangents[2])
    } else if let bias = tangents[2] {
      products = bias.reshaped(to: [1, 1, shape[2]]).broadcast(to: shape)
    }
    let states = operands.first.values.indices.map { index in
      tangents[3 + index] ?? zero(operands.first.hidden.shape)
    }
    let moving = graph.apply(
      RecurrenceTangent(pass: pass),
      [tangents[0] ?? zero(shape), products ?? zero(shape), operands.weight]
        + operands.first.values + results.trail + states + lengths)
    return moving + (pass.cell.kept > 0 ? [nil] : [])
  }
}

extension Recurrence {
  package func multiplyAdds(_ inputs: [TensorType], _ outputs: [TensorType]) -> Int {
    inputs[0].shape[0] * inputs[0].shape[1] * inputs[1].count
  }
}

extension Recurrence: ParameterReading {
  var parameterUse: ParameterUse { .multiplied }
}
