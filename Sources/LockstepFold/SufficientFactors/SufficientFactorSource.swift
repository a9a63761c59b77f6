import LockstepEngine

/// A source that can leave the factors of gradients instead of gradients.
package protocol SufficientFactorSource: GradientSource {
  /// What the gradients of a batch can be left as; nil where the source makes them whole. The same on
  /// all ranks, since it follows from the batch.
  ///
  /// - Parameter travel: whether factors have to be sent.
  func sufficientFactors(of batch: StepBatch, travel: Bool) throws -> SufficientFactors?

  /// Lets ``GradientSource/computeShards(of:into:records:accumulator:)`` leave factors from now on, and
  /// leave their gradients out of its sums; nil lets it make all gradients.
  func leave(_ factors: SufficientFactors?)

  /// Writes what the program of a batch takes as an input, for the examples at some positions.
  func loadInput(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>
  ) throws
}
