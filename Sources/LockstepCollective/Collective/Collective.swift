import LockstepObservation
import LockstepEngine

/// A group of ranks, as training sees it.
///
/// Three groups exist: one rank alone, several ranks as threads of one process (for tests), and
/// MPI. A call is made by all ranks of the group, in the same order; each rank has an object of its
/// own, which it uses from one thread at a time.
public protocol Collective: AnyObject {
  /// This rank, `0..<size`.
  var rank: Int { get }
  /// The number of ranks.
  var size: Int { get }

  /// Where the ranks of this node say what they are doing; nil where nobody watches.
  var page: StatusPage? { get }

  /// What ends a rank that waits for one that will never come; nil where nothing does.
  var watchdog: Watchdog? { get }

  /// The ranks of each node, which share memory and can be reached without a network.
  var nodes: [Range<Int>] { get }

  /// The link between nodes, measured when first asked for; nil where there is one node. Called by all
  /// ranks, and the same on all.
  func linkBetweenNodes() throws -> NetworkLink?

  /// Returns when all ranks have called.
  func barrier() throws

  /// Copies the root's bytes to all ranks.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws

  /// Concatenates all ranks' bytes in rank order.
  ///
  /// - Parameters:
  ///   - bytes: this rank's contribution, `counts[rank]` bytes.
  ///   - counts: the number of bytes of each rank, equal on all ranks.
  ///   - result: `counts` summed, in bytes.
  func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws

  /// Concatenates all ranks' bytes in rank order, on the root alone.
  ///
  /// - Parameter result: `counts` summed, in bytes, on the root; not used on the others.
  func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int) throws

  /// Hands each rank its part of the root's bytes.
  ///
  /// - Parameters:
  ///   - bytes: all ranks' parts in rank order, on the root; not used on the others.
  ///   - counts: the number of bytes of each rank, equal on all ranks.
  ///   - result: `counts[rank]` bytes.
  func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int) throws

  /// Makes one arena for all ranks, where all of them share memory; nil, on every rank, where they
  /// do not.
  ///
  /// - Parameters:
  ///   - count: the number of values, equal on all ranks.
  ///   - consequence: what is done without, for a notice where there is too little memory.
  func makeSharedArena(count: Int, otherwise consequence: String) throws -> SharedArena?
}

extension Collective {
  /// Throws ``ArgumentError`` unless there is such a rank.
  func requireRoot(_ root: Int, _ call: String) throws(ArgumentError) {
    guard (0..<size).contains(root) else {
      throw ArgumentError(call, "root", is: root, expected: "a rank of the group, 0..<\(size)")
    }
  }

  /// Throws ``ArgumentError`` unless each rank's count is that of its bytes, and they make up the whole.
  func requireCounts(
    _ counts: [Int], mine: Int, whole: Int?, _ call: String
  ) throws(ArgumentError) {
    guard counts.count == size, counts.allSatisfy({ $0 >= 0 }), counts[rank] == mine,
      whole.map({ counts.reduce(0, &+) == $0 }) ?? true
    else {
      throw ArgumentError(
        call, "counts", is: counts,
        expected: "\(size) numbers of bytes, one a rank, \(mine) for rank \(rank)"
          + (whole.map { ", \($0) in all" } ?? ""))
    }
  }

  /// Nobody watches.
  package var page: StatusPage? { nil }
  public var watchdog: Watchdog? { nil }

  /// All ranks are on one node.
  public var nodes: [Range<Int>] { [0..<size] }
  public func linkBetweenNodes() throws -> NetworkLink? { nil }

  /// No memory is shared.
  public func makeSharedArena(
    count: Int, otherwise consequence: String
  ) throws -> SharedArena? { nil }

  /// Gathers on all ranks, for a group that has nothing better.
  public func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try requireRoot(root, "gather")
    try requireCounts(
      counts, mine: bytes.count, whole: rank == root ? result.count : nil, "gather")
    if rank == root { return try allgather(bytes, counts: counts, into: result) }
    let all = UnsafeMutableRawBufferPointer.allocate(
      byteCount: counts.reduce(0, +), alignment: 64)
    defer { all.deallocate() }
    try allgather(bytes, counts: counts, into: all)
  }

  /// Broadcasts everything, for a group that has nothing better.
  public func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try requireRoot(root, "scatter")
    try requireCounts(
      counts, mine: result.count, whole: rank == root ? bytes.count : nil, "scatter")
    let all = UnsafeMutableRawBufferPointer.allocate(
      byteCount: counts.reduce(0, +), alignment: 64)
    defer { all.deallocate() }
    if rank == root { all.copyMemory(from: bytes) }
    try broadcast(all, root: root)
    let start = counts[..<rank].reduce(0, +)
    result.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[start..<start + counts[rank]]))
  }
}
