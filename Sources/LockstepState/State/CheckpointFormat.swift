/// The format that checkpoints are written in.
enum CheckpointFormat {
  /// The version that this program writes and reads.
  static let version = 1
}
