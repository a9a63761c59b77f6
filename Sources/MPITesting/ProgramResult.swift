/// What became of a program that was run.
public struct ProgramResult: Sendable {
  /// How it ended.
  public enum Ending: Sendable, Equatable {
    /// It returned this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)
    /// It was still running at the deadline and was ended by the runner.
    case timedOut
    /// The caller had it ended.
    case cancelled
  }

  /// How it ended.
  public let ending: Ending
  /// All it wrote to standard output.
  public let output: String
  /// All it wrote to standard error.
  public let errorOutput: String
  /// The seconds from start to end.
  public let seconds: Double

  /// Whether it returned 0.
  public var succeeded: Bool { ending == .exited(0) }
  /// The lines of standard output.
  public var lines: [String] {
    output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
  /// Everything, for a test's message.
  public var transcript: String {
    "\(ending) after \(seconds) s\n--- output\n\(output)\n--- error output\n\(errorOutput)"
  }
}
