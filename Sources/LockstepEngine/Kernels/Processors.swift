internal import CLockstepKernels

/// The processors of the machine that this process may use.
public enum Processors {
  /// Their numbers, in order: the affinity mask that a launcher set, or all of them.
  public static var allowed: [Int] {
    var words = [UInt64](repeating: 0, count: 16)
    lockstep_allowed_processors(&words)
    return (0..<1024).filter { words[$0 / 64] & (1 << UInt64($0 % 64)) != 0 }
  }
}
