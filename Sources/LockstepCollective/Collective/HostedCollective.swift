import LockstepObservation

/// A group of ranks that knows its nodes, and is watched.
package protocol HostedCollective: Collective {
  /// Where the ranks of this node say what they are doing; nil where nobody watches.
  var page: StatusPage? { get }

  /// What ends a rank that waits for one that will never come; nil where nothing does.
  var watchdog: Watchdog? { get }

  /// The ranks of each node, which share memory and can be reached without a network.
  var nodes: [Range<Int>] { get }

  /// The link between nodes, measured when first asked for; nil where there is one node. Called by all
  /// ranks, and the same on all.
  func linkBetweenNodes() throws -> NetworkLink?

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

extension HostedCollective {
  /// Nobody watches. (Without this, the member of every `Collective` below would be taken for it, and ask
  /// itself.)
  package var page: StatusPage? { nil }
  /// Nothing ends a rank that waits.
  package var watchdog: Watchdog? { nil }

  /// All ranks are on one node.
  package var nodes: [Range<Int>] { [0..<size] }
  package func linkBetweenNodes() throws -> NetworkLink? { nil }

  /// Gathers on all ranks.
  package func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try gatherOnAll(bytes, counts: counts, into: result, root: root)
  }

  /// Broadcasts everything.
  package func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    try scatterFromAll(bytes, counts: counts, into: result, root: root)
  }

  /// No memory is shared.
  package func makeSharedArena(
    count: Int, otherwise consequence: String
  ) throws -> SharedArena? { nil }
}

/// What any group has of it: one that is not hosted is one node that nobody watches.
extension Collective {
  private var hosted: (any HostedCollective)? { self as? any HostedCollective }

  package var page: StatusPage? { hosted?.page }
  package var watchdog: Watchdog? { hosted?.watchdog }
  package var nodes: [Range<Int>] { hosted?.nodes ?? [0..<size] }
  package func linkBetweenNodes() throws -> NetworkLink? { try hosted?.linkBetweenNodes() }

  package func gather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    guard let hosted else {
      return try gatherOnAll(bytes, counts: counts, into: result, root: root)
    }
    try hosted.gather(bytes, counts: counts, into: result, root: root)
  }

  package func scatter(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer,
    root: Int
  ) throws {
    guard let hosted else {
      return try scatterFromAll(bytes, counts: counts, into: result, root: root)
    }
    try hosted.scatter(bytes, counts: counts, into: result, root: root)
  }

  package func makeSharedArena(
    count: Int, otherwise consequence: String
  ) throws -> SharedArena? {
    try hosted?.makeSharedArena(count: count, otherwise: consequence)
  }

  /// Gathers on all ranks, for a group that has nothing better.
  func gatherOnAll(
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
  func scatterFromAll(
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
