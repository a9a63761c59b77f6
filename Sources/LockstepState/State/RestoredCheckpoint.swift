/// A checkpoint that a run goes on from.
public struct RestoredCheckpoint: Sendable, Equatable {
  /// The checkpoint's path.
  public let path: String
  /// The number of steps completed.
  public let step: Int
  /// What was wrong with newer checkpoints, and what else in the directory was passed over: a
  /// sentence each.
  package let skipped: [String]
  /// What else the user should know: that the run goes on with other kernels.
  package var notices: [String] = []
}
