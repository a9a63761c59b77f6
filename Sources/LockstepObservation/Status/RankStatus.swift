import Synchronization
import LockstepPlatform

/// What a rank is doing, in a few words of memory that others can read while it cannot speak.
///
/// One rank writes; any thread of any process that maps the memory reads. Each word is atomic, and
/// together they are a snapshot good enough to tell people, not to decide bits by.
package struct RankStatus: @unchecked Sendable {
  // Unchecked: every access to the memory is atomic.

  /// What a step, and what is around it, consists of.
  package enum Phase: UInt64, Sendable, CaseIterable {
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
  package static let byteCount = 128

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
  package init(at memory: UnsafeMutableRawPointer) {
    words = memory.bindMemory(to: Word.self, capacity: Self.byteCount / 8)
  }

  private func set(_ place: Int, _ value: UInt64) {
    words[place].store(value, ordering: .releasing)
  }

  private func get(_ place: Int) -> UInt64 { words[place].load(ordering: .acquiring) }

  // MARK: Writing, by the rank itself

  /// Says which process this is, so that others can see whether it lives.
  package func appear() {
    set(Place.since, SystemClock.now)
    set(Place.namespace, Self.processNamespace)
    set(Place.process, UInt64(getpid()))
  }

  /// From now on the rank comes to no meeting any more.
  package func finish() { set(Place.finished, 1) }

  /// A phase begins.
  package func enter(_ phase: Phase, step: Int) {
    set(Place.step, UInt64(max(step, 0)))
    set(Place.phase, phase.rawValue)
    set(Place.since, SystemClock.now)
  }

  /// The rank waits for others.
  ///
  /// - Parameter isMeeting: whether all ranks of the page come to this, at the same places in the same
  ///   order, so that who has come to fewer is behind.
  package func beginWait(isMeeting: Bool = true) {
    set(Place.awaited, Self.anyone)
    set(Place.since, SystemClock.now)
    if isMeeting { set(Place.meetings, get(Place.meetings) + 1) }
  }

  /// The rank waits for one other.
  package func awaits(_ rank: Int) { set(Place.awaited, UInt64(rank) + Self.firstRank) }

  /// The wait is over.
  package func endWait() {
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
