/// How long the sequences of a batch are, which are padded to one number of positions.
///
/// Layers that mix positions ask for it, so that models of layers need not hand lengths on.
package struct SequenceLengths {
  /// The name of the input that holds the lengths.
  package static let inputName = "lengths"

  /// The lengths, Int32 [N], 1 at the least.
  package let lengths: Tensor
  /// T, the number of positions of all sequences, padding included.
  package let positions: Int
  /// Whether a layer has asked.
  package var isRead = false

  package init(_ lengths: Tensor, positions: Int) {
    self.lengths = lengths
    self.positions = positions
  }
}
