import LockstepPlatform

/// The statuses of the ranks of one node, in memory that all of them map; of this rank alone where
/// there is no such memory.
package final class StatusPage: @unchecked Sendable {
  // Unchecked: immutable but for the timeline, and statuses are atomic.

  /// The ranks of the group that the page shows.
  package let ranks: [Int]
  /// The number of ranks that the page shows.
  package var rankCount: Int { ranks.count }
  /// This rank's status.
  package let own: RankStatus
  /// Where this rank's time is recorded; nil for nowhere. Used by the rank's first thread alone.
  package var timeline: Timeline?
  package let rank: Int
  let statuses: [RankStatus]
  /// The ranks of the group that other pages show.
  let elsewhere: [Int]
  /// The names of all ranks' hosts, by rank; empty where they are not known.
  let hosts: [String]
  /// Keeps the memory.
  private let owner: AnyObject?

  /// - Parameters:
  ///   - memory: each rank's ``RankStatus/byteCount`` bytes, zero at first.
  ///   - ranks: the ranks' numbers in the group.
  ///   - rank: this rank's number.
  ///   - size: the number of ranks of the group.
  ///   - hosts: the names of all ranks' hosts, by rank, for messages.
  ///   - owner: what keeps the memory.
  package init(
    _ memory: [UnsafeMutableRawPointer], ranks: [Int], rank: Int, of size: Int,
    hosts: [String] = [], owner: AnyObject?
  ) {
    precondition(hosts.isEmpty || hosts.count == size, "one host a rank")
    self.ranks = ranks
    self.hosts = hosts
    elsewhere = (0..<size).filter { !ranks.contains($0) }
    self.rank = rank
    self.owner = owner
    statuses = memory.map(RankStatus.init(at:))
    own = statuses[ranks.firstIndex(of: rank)!]
    own.appear()
  }

  /// A phase begins.
  package func enter(_ phase: RankStatus.Phase, step: Int) {
    own.enter(phase, step: step)
    timeline?.enter(Activity(phase))
  }

  /// A page that shows this rank alone.
  package convenience init(rank: Int, of size: Int, hosts: [String] = []) {
    let memory = PageMemory(count: 1)
    self.init([memory[0]], ranks: [rank], rank: rank, of: size, hosts: hosts, owner: memory)
  }
}

/// A page's memory inside one process.
package final class PageMemory {
  private let memory: UnsafeMutableRawPointer

  package init(count: Int) {
    memory = .allocate(byteCount: count * RankStatus.byteCount, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: count * RankStatus.byteCount)
  }

  deinit { memory.deallocate() }

  package subscript(rank: Int) -> UnsafeMutableRawPointer { memory + rank * RankStatus.byteCount }
}

extension StatusPage? {
  /// Runs a wait for other ranks, seen by the page.
  ///
  /// - Parameter isMeeting: see ``RankStatus/beginWait(isMeeting:)``.
  @inline(__always)
  package func waiting<Result>(
    isMeeting: Bool = true, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let self else { return try body() }
    self.own.beginWait(isMeeting: isMeeting)
    self.timeline?.main.begin(.wait)
    defer {
      self.timeline?.main.end()
      self.own.endWait()
    }
    return try body()
  }
}

extension StatusPage? {
  /// Runs `body` as a span of the rank's first thread, where a timeline is recorded.
  @inline(__always)
  package func span<Result>(_ activity: Activity, _ body: () throws -> Result) rethrows -> Result {
    try (self?.timeline?.main).span(activity, -1, body)
  }
}
