import LockstepEngine

/// A source that carries something of each batch to the next one, beside its weights: the states of recurrent
/// layers.
///
/// A step computes from what the last one left, and what it leaves counts once the step has succeeded.
package protocol CarryingSource: GradientSource {
  /// Whether the model carries anything.
  var carriesStates: Bool { get }

  /// What is carried, as a checkpoint holds it; none where nothing is. Known when the source has joined a
  /// step.
  var carriedEntries: [StateEntry] { get }

  /// Takes over what the batch left that was computed last, as part of a step that succeeds.
  ///
  /// - Parameter isTakenOut: whether a shard of this rank counts as an empty one; what its examples left is
  ///   not taken over.
  func commitStates(_ isTakenOut: (_ shard: Int) -> Bool)
}
