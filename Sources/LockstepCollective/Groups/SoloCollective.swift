import LockstepObservation
import LockstepEngine

/// The group of one rank: every collective is a copy at most.
public final class SoloCollective: HostedCollective {
  /// Makes a group of one rank.
  public init() {}

  public var rank: Int { 0 }
  public var size: Int { 1 }
  package let page: StatusPage? = StatusPage(rank: 0, of: 1)

  public func barrier() {}

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    try requireRoot(root, "broadcast")
  }

  public func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws {
    try requireCounts(counts, mine: bytes.count, whole: result.count, "allgather")
    result.copyMemory(from: bytes)
  }
}
