extension Tensor {
  /// What a recurrent network gives for a batch of sequences.
  package struct Recurrent {
    /// The state at each position, [N, T, H]; 0 behind a sequence's end.
    package let sequence: Tensor
    /// The state behind the last position that was read, [N, H].
    package let hidden: Tensor
    /// The memory there, where there is one.
    package let memory: Tensor?
  }

  /// A recurrent network along this tensor's sequences, one direction of one layer.
  ///
  /// The tensor holds the products of the inputs and their weights, [N, T, G·H], with their bias.
  ///
  /// - Parameters:
  ///   - weight: what the state is multiplied by, [G·H, H].
  ///   - bias: what is added to that product, [G·H]; nil for zeros.
  ///   - lengths: the sequences' lengths, Int32 [N]; nil where all are T.
  ///   - state: the first state and memory, [N, H] each; nil for zeros.
  package func recurrent(
    _ cell: RecurrentCell, _ weight: Tensor, bias: Tensor?, reverses: Bool = false,
    lengths: Tensor? = nil, state: (hidden: Tensor, memory: Tensor?)? = nil
  ) -> Recurrent {
    guard let width = shape.last, let hidden = weight.shape.last, let count = shape.first else {
      graph.fail("\(cell.rawValue): expects products [N, T, width], got \(shape)")
      return Recurrent(sequence: self, hidden: self, memory: cell.hasMemory ? self : nil)
    }
    func zeros() -> Tensor { graph.constant(0, [count, hidden]) }
    let pass = RecurrentPass(cell: cell, reverses: reverses, hasLengths: lengths != nil)
    let first =
      [state?.hidden ?? zeros()] + (cell.hasMemory ? [state?.memory ?? zeros()] : [])
    let results = graph.apply(
      Recurrence(pass: pass),
      [self, weight, bias ?? graph.constant(0, [width])] + first + (lengths.map { [$0] } ?? []))
    return Recurrent(
      sequence: results[0], hidden: results[1], memory: cell.hasMemory ? results[2] : nil)
  }
}
