import Synchronization
import LockstepPlatform

/// What a rank is doing, in a few words of memory that others can read while it cannot speak.
///
/// One rank writes; any thread of any process that maps the memory reads. Each word is atomic, and
/// together they are a snapshot good enough to tell people, not to decide bits by.
public struct RankStatus: @unchecked Sendable {
  // Unchecked: every access to the memory is atomic.

  /// What a step, and what is around it, consists of.
  public enum Phase: UInt64, Sendable, CaseIterable {
    /// Agreeing, loading and planning before the first step.
    case starting
    /// Computing shards.
    case computing
    /// Adding the ranks' gradients.
    case folding
    /// Clips, optimizer and constraints.
    case updating
    /// Checking whether all is finite; comparing the state of ranks.
    case comparing
    /// Evaluating.
    case evaluating
    /// Reading or writing a checkpoint.
    case checkpointing
    /// Writing how the run ended.
    case ending

    /// Whether it is a part of a step. What is around steps (loading data, making plans, evaluating,
    /// writing files) takes longer, and has a longer deadline.
    var isInStep: Bool {
      switch self {
      case .computing, .folding, .updating, .comparing: true
      case .starting, .evaluating, .checkpointing, .ending: false
      }
    }
  }

  /// The bytes of a status, two lines of cache that no other rank's status shares.
  public static let byteCount = 128

  private typealias Word = Atomic<UInt64>
  private let words: UnsafeMutablePointer<Word>

  private enum Place {
    static let meetings = 0
    static let phase = 1
    static let awaited = 2
    package static let step = 3
    static let since = 4
    static let process = 5
    static let namespace = 6
    static let spoken = 7
    static let finished = 8
  }

  /// A status in memory that is zero at first, at a multiple of 8.
  public init(at memory: UnsafeMutableRawPointer) {
    words = memory.bindMemory(to: Word.self, capacity: Self.byteCount / 8)
  }

  private func set(_ place: Int, _ value: UInt64) {
    words[place].store(value, ordering: .releasing)
  }

  private func get(_ place: Int) -> UInt64 { words[place].load(ordering: .acquiring) }

  // MARK: Writing, by the rank itself

  /// Says which process this is, so that others can see whether it lives.
  public func appear() {
    set(Place.since, SystemClock.now)
    set(Place.namespace, Self.processNamespace)
    set(Place.process, UInt64(getpid()))
  }

  /// From now on the rank comes to no meeting any more.
  package func finish() { set(Place.finished, 1) }

  /// A phase begins.
  public func enter(_ phase: Phase, step: Int) {
    set(Place.step, UInt64(max(step, 0)))
    set(Place.phase, phase.rawValue)
    set(Place.since, SystemClock.now)
  }

  /// The rank waits for others.
  ///
  /// - Parameter isMeeting: whether all ranks of the page come to this, at the same places in the same
  ///   order, so that who has come to fewer is behind.
  public func beginWait(isMeeting: Bool = true) {
    set(Place.awaited, Self.anyone)
    set(Place.since, SystemClock.now)
    if isMeeting { set(Place.meetings, get(Place.meetings) + 1) }
  }

  /// The rank waits for one other.
  public func awaits(_ rank: Int) { set(Place.awaited, UInt64(rank) + Self.firstRank) }

  /// The wait is over.
  public func endWait() {
    set(Place.awaited, 0)
    set(Place.since, SystemClock.now)
  }

  /// The rank has said why it is about to end.
  package func speak() { set(Place.spoken, 1) }

  private static let anyone: UInt64 = 1
  private static let firstRank: UInt64 = 2

  // MARK: Reading

  /// A rank's status at a moment.
  struct Snapshot: Equatable {
    /// How many meetings the rank has come to, the one at hand included.
    var meetings: UInt64
    var phase: Phase
    /// Whether the rank waits.
    var isWaiting: Bool
    /// For whom, where it knows.
    var awaited: Int?
    /// The step that it is in, counted from 1.
    package var step: Int
    /// Since when it has been doing what it does, by ``SystemClock/now``.
    var since: UInt64
    /// Its process, where it can be looked up here.
    var process: Int32?
    /// Whether it has said why it is about to end.
    var hasSpoken: Bool
    /// Whether it comes to no meeting any more.
    var isFinished: Bool
  }

  var snapshot: Snapshot {
    let awaited = get(Place.awaited)
    let process = Int32(truncatingIfNeeded: get(Place.process))
    return Snapshot(
      meetings: get(Place.meetings), phase: Phase(rawValue: get(Place.phase)) ?? .starting,
      isWaiting: awaited != 0,
      awaited: awaited >= Self.firstRank ? Int(awaited - Self.firstRank) : nil,
      step: Int(truncatingIfNeeded: get(Place.step)), since: get(Place.since),
      process: process > 0 && get(Place.namespace) == Self.processNamespace ? process : nil,
      hasSpoken: get(Place.spoken) != 0, isFinished: get(Place.finished) != 0)
  }

  /// Containers on one machine number their processes each for itself.
  private static let processNamespace: UInt64 = {
    var status = stat()
    return stat("/proc/self/ns/pid", &status) == 0 ? UInt64(status.st_ino) : 0
  }()
}

/// The statuses of the ranks of one node, in memory that all of them map; of this rank alone where
/// there is no such memory.
public final class StatusPage: @unchecked Sendable {
  // Unchecked: immutable but for the timeline, and statuses are atomic.

  /// The ranks of the group that the page shows.
  package let ranks: [Int]
  /// The number of ranks that the page shows.
  public var rankCount: Int { ranks.count }
  /// This rank's status.
  public let own: RankStatus
  /// Where this rank's time is recorded; nil for nowhere. Used by the rank's first thread alone.
  public var timeline: Timeline?
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
  public init(
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
  public convenience init(rank: Int, of size: Int, hosts: [String] = []) {
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
  public func waiting<Result>(
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
