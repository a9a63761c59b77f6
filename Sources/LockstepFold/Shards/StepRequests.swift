/// What a rank asks of all ranks along with a step's numbers, so that all of them do it after the
/// same step.
public struct StepRequests: OptionSet, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Save a checkpoint and end the run, resumable.
  public static let stop = StepRequests(rawValue: 1)
  /// This rank could not compute its shards; the step must not go on.
  static let failed = StepRequests(rawValue: 1 << 63)
}
