// The plain meaning of a recurrence and its derivatives: sequence by sequence, position by position.

/// A row of a tensor whose rows are along the last axis.
private func row(_ tensor: HostTensor, _ index: Int) -> [Double] {
  let size = tensor.shape[tensor.shape.count - 1]
  return Array(tensor.values[index * size..<(index + 1) * size])
}

extension HostTensor {
  fileprivate mutating func set(_ index: Int, _ values: [Double]) {
    self.values.replaceSubrange(index * values.count..<(index + 1) * values.count, with: values)
  }
}

/// What the sequences of a batch have in common.
private struct Sequences {
  let pass: RecurrentPass
  let reference: CellReference
  let weight: HostTensor
  let lengths: HostTensor?
  let positions: Int

  init(_ pass: RecurrentPass, _ weight: HostTensor, _ lengths: HostTensor?, positions: Int) {
    self.pass = pass
    self.weight = weight
    self.lengths = lengths
    self.positions = positions
    reference = CellReference(cell: pass.cell, count: weight.shape[1])
  }

  /// The positions of an example, in the order in which they are read.
  func order(_ example: Int) -> [Int] {
    let length = lengths.map { min(max(Int($0.values[example]), 0), positions) } ?? positions
    return pass.reverses ? (0..<length).reversed() : Array(0..<length)
  }

  /// An example's first state.
  func first(_ state: RecurrentState<HostTensor>, _ example: Int) -> CellReference.Position {
    CellReference.Position(
      hidden: row(state.hidden, example), memory: state.memory.map { row($0, example) } ?? [])
  }

  /// An example's positions in their order, the first state before them.
  func trail(
    _ first: RecurrentState<HostTensor>, _ sequence: HostTensor, _ kept: HostTensor?,
    _ example: Int
  ) -> [CellReference.Position] {
    [self.first(first, example)]
      + order(example).map { position in
        let place = example * positions + position
        let values = kept.map { row($0, place) } ?? []
        return CellReference.Position(
          hidden: row(sequence, place),
          memory: pass.cell.hasMemory ? Array(values.suffix(reference.count)) : [], kept: values)
      }
  }

  /// W · h + b.
  func product(_ hidden: [Double], _ bias: [Double]) -> [Double] {
    bias.indices.map { out in
      zip(row(weight, out), hidden).reduce(bias[out]) { $0 + $1.0 * $1.1 }
    }
  }

  /// Wᵀ · q.
  func transposedProduct(_ q: [Double]) -> [Double] {
    var result = Array(repeating: 0.0, count: reference.count)
    for (out, factor) in q.enumerated() {
      for (unit, w) in row(weight, out).enumerated() { result[unit] += factor * w }
    }
    return result
  }

  /// States of all examples, the parts of each behind one another.
  func states(_ positions: [CellReference.Position]) -> [HostTensor] {
    let shape = [positions.count, reference.count]
    return [HostTensor(shape, positions.flatMap(\.hidden))]
      + (pass.cell.hasMemory ? [HostTensor(shape, positions.flatMap(\.memory))] : [])
  }
}

extension Recurrence {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let operands = Operands(inputs, pass)
    let (n, positions) = (operands.products.shape[0], operands.products.shape[1])
    let sequences = Sequences(
      pass, operands.weight, operands.lengths, positions: positions)
    let hidden = sequences.reference.count
    var y = HostTensor([n, positions, hidden])
    var kept = HostTensor([n, positions, pass.cell.kept * hidden])
    var lasts: [CellReference.Position] = []
    for example in 0..<n {
      var state = sequences.first(operands.first, example)
      for position in sequences.order(example) {
        let place = example * positions + position
        let q = sequences.product(state.hidden, operands.bias.values)
        state = sequences.reference.forward(row(operands.products, place), q, state)
        y.set(place, state.hidden)
        if pass.cell.kept > 0 { kept.set(place, state.kept) }
      }
      lasts.append(state)
    }
    return [y] + sequences.states(lasts) + (pass.cell.kept > 0 ? [kept] : [])
  }
}

extension RecurrenceGradient {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let operands = Operands(inputs, self)
    let (n, positions) = (operands.sequence.shape[0], operands.sequence.shape[1])
    let sequences = Sequences(
      pass, operands.weight, operands.lengths, positions: positions)
    var da = HostTensor([n, positions, operands.weight.shape[0]])
    var dq = da
    var firsts: [CellReference.Position] = []
    for example in 0..<n {
      let trail = sequences.trail(operands.first, operands.sequence, operands.kept, example)
      var d = sequences.first(operands.last, example)
      for (step, position) in sequences.order(example).enumerated().reversed() {
        let place = example * positions + position
        if let dy = operands.gradient.map({ row($0, place) }) {
          d.hidden = zip(d.hidden, dy).map { $0 + $1 }
        }
        let parts = sequences.reference.backward(
          hidden: d.hidden, memory: d.memory, at: trail[step + 1], behind: trail[step])
        da.set(place, parts.a)
        dq.set(place, parts.q)
        d = parts.before
        d.hidden = zip(d.hidden, sequences.transposedProduct(parts.q)).map { $0 + $1 }
      }
      firsts.append(d)
    }
    return [da] + (pass.cell.separatesProducts ? [dq] : []) + sequences.states(firsts)
  }
}

extension RecurrenceHistory {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (sequence, first) = (inputs[0], inputs[1])
    let positions = sequence.shape[1]
    let sequences = Sequences(
      pass, first, pass.hasLengths ? inputs[2] : nil, positions: positions)
    var before = HostTensor(sequence.shape)
    for example in 0..<sequence.shape[0] {
      var state = row(first, example)
      for position in sequences.order(example) {
        before.set(example * positions + position, state)
        state = row(sequence, example * positions + position)
      }
    }
    return [before]
  }
}

extension RecurrenceTangent {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let operands = Operands(inputs, pass)
    let (n, positions) = (operands.sequence.shape[0], operands.sequence.shape[1])
    let sequences = Sequences(
      pass, operands.weight, operands.lengths, positions: positions)
    var moving = HostTensor(operands.sequence.shape)
    var lasts: [CellReference.Position] = []
    for example in 0..<n {
      let trail = sequences.trail(operands.first, operands.sequence, operands.kept, example)
      var state = sequences.first(operands.moving, example)
      for (step, position) in sequences.order(example).enumerated() {
        let place = example * positions + position
        let q = sequences.product(state.hidden, row(operands.products, place))
        state = sequences.reference.tangent(
          row(operands.inputs, place), q, state, at: trail[step + 1], behind: trail[step])
        moving.set(place, state.hidden)
      }
      lasts.append(state)
    }
    return [moving] + sequences.states(lasts)
  }
}
