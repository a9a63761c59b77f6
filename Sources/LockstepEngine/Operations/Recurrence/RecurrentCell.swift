/// What a recurrent network computes at each position of a sequence.
package enum RecurrentCell: String, Sendable, CaseIterable {
  /// h = tanh(a + q). J. L. Elman, "Finding structure in time", 1990.
  case tanh
  /// h = max(0, a + q).
  case relu
  /// r, z = σ(a + q), n = tanh(a + r ⊙ q), h = (1 − z) ⊙ n + z ⊙ h. K. Cho et al., "Learning phrase
  /// representations using RNN encoder–decoder", 2014, with the product of r behind that of the weights, as
  /// PyTorch and cuDNN have it.
  case gru
  /// i, f, o = σ(a + q), g = tanh(a + q), c = f ⊙ c + i ⊙ g, h = o ⊙ tanh(c). S. Hochreiter,
  /// J. Schmidhuber, "Long short-term memory", 1997; F. Gers et al., "Learning to forget", 2000.
  case lstm

  /// The number of gates: rows of weights a unit, in PyTorch's order r, z, n and i, f, g, o.
  package var gates: Int {
    switch self {
    case .tanh, .relu: 1
    case .gru: 3
    case .lstm: 4
    }
  }

  /// Whether there is a memory c beside the state h.
  package var hasMemory: Bool { self == .lstm }

  /// The number of values that a unit leaves for the gradient at each position, beside the result.
  var kept: Int {
    switch self {
    case .tanh, .relu: 0
    case .gru: 4
    case .lstm: 5
    }
  }

  /// Whether the gradients by a and by q differ: r multiplies a part of q.
  var separatesProducts: Bool { self == .gru }
}

/// One direction of one layer: what all operations of a recurrence have in common.
package struct RecurrentPass: Sendable, Equatable {
  package let cell: RecurrentCell
  /// Whether sequences are read from their end.
  package let reverses: Bool
  /// Whether sequences have lengths of their own.
  package let hasLengths: Bool

  package init(cell: RecurrentCell, reverses: Bool, hasLengths: Bool) {
    self.cell = cell
    self.reverses = reverses
    self.hasLengths = hasLengths
  }

  /// The name of an operation of the pass.
  var name: String { cell == .tanh || cell == .relu ? "rnn" : cell.rawValue }
}

/// A value for the state, and one for the memory where there is one.
struct RecurrentState<Value> {
  let hidden: Value
  let memory: Value?

  init(hidden: Value, memory: Value?) {
    self.hidden = hidden
    self.memory = memory
  }

  /// Takes a state from the front of a list.
  init(_ values: inout ArraySlice<Value>, _ pass: RecurrentPass) {
    hidden = values.removeFirst()
    memory = pass.cell.hasMemory ? values.removeFirst() : nil
  }

  var values: [Value] { [hidden] + (memory.map { [$0] } ?? []) }
}

extension RecurrentState: Sendable where Value: Sendable {}
