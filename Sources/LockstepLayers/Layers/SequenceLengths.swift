import LockstepEngine

extension LayerScope {
  /// The lengths of an input's sequences [N, T, …], Int32 [N]; nil where all positions count. The trace fails
  /// where the input has other positions than the sequences.
  func lengths(of input: Tensor) -> Tensor? {
    guard let sequences = graph.sequences else { return nil }
    graph.sequences?.isRead = true
    guard
      require(
        input.shape.count > 1 && input.shape[1] == sequences.positions,
        "the sequences have different lengths and are padded to \(sequences.positions) positions, and the "
          + "layer gets \(input.shape): layers before it must keep the positions [N, T, …]")
    else { return nil }
    return sequences.lengths
  }
}
