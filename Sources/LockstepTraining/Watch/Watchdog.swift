import LockstepFiles
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Ends a rank that waits for one that will never come, and says for whom.
///
/// A thread that calls no MPI looks at the node's status page now and then. Where this rank waits
///
/// - for a rank whose process has ended,
/// - longer than the deadline, but for one that evaluates or reads or writes a checkpoint,
/// - for a rank that is stopped, and was itself asked to stop (SIGTERM), or
/// - for a rank of another node, of which nothing is known, several times as long as it has ever
///   waited, and was itself asked to stop,
///
/// it prints who waits where for whom, lets the other ranks do the same, and ends the process. The
/// launcher kills all ranks as soon as one ends, so none ends before those of its node have spoken.
public final class Watchdog {
  /// How patient a watchdog is.
  public struct Patience: Sendable, Equatable {
    /// The seconds that a wait inside a step may take; `infinity` for ever.
    public var deadline: Double
    /// The seconds between two looks.
    public var interval = 0.1
    /// The seconds that ranks of other nodes, which nobody sees, get to print what they know.
    public var moment = 2.0
    /// The seconds at most that ranks of this node get.
    public var hearing = 10.0
    /// The seconds that a rank of another node is waited for at least by one that was asked to stop.
    public var afterRequest = 2.0

    public init(deadline: Double = 300) { self.deadline = deadline }
  }

  /// Why a rank is ended.
  public struct Verdict: Sendable, Equatable {
    /// Whether the rank was asked to stop; the run can be resumed then.
    public let isInterruption: Bool
    /// Who waits where for whom.
    public let message: String
    /// The step that the rank was in, counted from 1.
    public let step: Int

    /// How the run ended, in the outcome file's words.
    public var outcome: Outcome {
      Outcome(
        isInterruption ? .interrupted : .failed, step: max(step - 1, 0), message: message)
    }
  }

  private let page: StatusPage
  private let isOver = Flag()
  private var thread: RankThread?

  private final class Flag: Sendable {
    let value = Atomic<Bool>(false)
  }

  /// Starts to watch.
  ///
  /// - Parameters:
  ///   - page: the node's statuses.
  ///   - patience: when to lose it.
  ///   - outcomeFile: where to leave the outcome, on rank 0; nil for nowhere.
  ///   - fileSystem: the run directory's.
  ///   - isInterrupted: whether this rank was asked to stop; by default by signal.
  ///   - announce: prints a message; by default to standard error.
  ///   - end: ends the process, from the watchdog's thread; by default with the outcome's exit
  ///     code.
  public init(
    _ page: StatusPage, _ patience: Patience = Patience(), outcomeFile: String? = nil,
    fileSystem: any FileSystem = SystemFileSystem(),
    isInterrupted: @escaping @Sendable () -> Bool = { Interruption.isRequested },
    announce: @escaping @Sendable (String) -> Void = Watchdog.print,
    end: @escaping @Sendable (Verdict) -> Void = { _exit($0.outcome.exitCode) }
  ) {
    self.page = page
    let watch = Watch(page, patience, isInterrupted)
    let isOver = isOver
    thread = RankThread {
      while !isOver.value.load(ordering: .relaxed) {
        usleep(UInt32(max(patience.interval, 0.001) * 1e6))
        guard let verdict = watch.look(), !isOver.value.load(ordering: .relaxed) else { continue }
        announce(verdict.message)
        // At once: the launcher may be about to kill this process, and a disk can take seconds.
        if let outcomeFile {
          try? AtomicFile.write(
            outcomeFile, text: verdict.outcome.json.prettyText + "\n", isDurable: false,
            fileSystem: fileSystem)
        }
        page.own.speak()
        watch.hear()
        end(verdict)
        return
      }
    }
  }

  /// Stops watching: the rank is about to end as it should.
  public func stop() {
    isOver.value.store(true, ordering: .relaxed)
    page.own.depart()
    thread?.join()
    thread = nil
  }

  deinit { stop() }

  /// One write to standard error, so that the lines of several ranks do not mix.
  @Sendable public static func print(_ message: String) {
    let line = Array("lockstep: \(message)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// The judgement, without the thread.
final class Watch: @unchecked Sendable {
  // Unchecked: used by the watchdog's thread alone.

  private let page: StatusPage
  private let patience: Watchdog.Patience
  private let isInterrupted: @Sendable () -> Bool
  /// Ranks whose processes had ended at the last look too: one that ends as it should says so
  /// before, and what it wrote last must arrive first.
  private var ended: Set<Int> = []
  /// The longest wait that came to its end, in seconds, and how long the one at hand was when it was
  /// last seen.
  private var longest = 0.0
  private var current = 0.0

  init(
    _ page: StatusPage, _ patience: Watchdog.Patience,
    _ isInterrupted: @escaping @Sendable () -> Bool
  ) {
    self.page = page
    self.patience = patience
    self.isInterrupted = isInterrupted
  }

  private struct Peer {
    let rank: Int
    let snapshot: RankStatus.Snapshot
    let state: ProcessState
  }

  /// Why this rank should end; nil where it should not.
  func look() -> Watchdog.Verdict? {
    let mine = page.own.snapshot
    let waited = mine.isWaiting ? Double(mine.nanoseconds) / 1e9 : 0
    // Another wait, where less has been waited than before.
    if waited < current { longest = max(longest, current) }
    current = waited
    guard mine.isWaiting else {
      ended = []
      return nil
    }
    // Looking processes up costs, and most waits are short.
    guard Double(mine.nanoseconds) > patience.interval * 1e9 else { return nil }
    let behind = zip(page.ranks, page.statuses).compactMap { rank, status -> Peer? in
      let snapshot = status.snapshot
      guard rank != page.rank,
        snapshot.meetings < mine.meetings || snapshot.process == nil || rank == mine.awaited
      else { return nil }
      return Peer(
        rank: rank, snapshot: snapshot, state: snapshot.process.map(ProcessState.init) ?? .running)
    }
    let dead = behind.filter { $0.state == .ended }
    let isDead = dead.contains { ended.contains($0.rank) }
    ended = Set(dead.map(\.rank))
    let isStopped = behind.contains { $0.state == .stopped }
    let isLate =
      (mine.phase.isLimited || isStopped) && Double(mine.nanoseconds) > patience.deadline * 1e9
    let interrupted = isInterrupted()
    let isElsewhere =
      behind.isEmpty && !page.elsewhere.isEmpty && mine.phase.isLimited
      && current > max(patience.afterRequest, 4 * longest)
    let isHopeless = interrupted && (isStopped || !dead.isEmpty || isElsewhere)
    guard isDead || isLate || isHopeless else { return nil }
    return Watchdog.Verdict(
      isInterruption: interrupted, message: message(mine, behind), step: mine.step)
  }

  /// Returns once the other ranks have spoken: those of this node that wait and live, or once they
  /// have had their time.
  func hear() {
    let start = RankStatus.now
    while true {
      let seconds = Double(RankStatus.now - start) / 1e9
      let silent = zip(page.ranks, page.statuses).compactMap { rank, status in
        let snapshot = status.snapshot
        return rank != page.rank && snapshot.isWaiting && !snapshot.hasSpoken ? snapshot : nil
      }
      let isUnseen = !page.elsewhere.isEmpty || silent.contains { $0.process == nil }
      let isSpeaking = silent.compactMap(\.process).contains { ProcessState($0) == .running }
      guard isUnseen && seconds < patience.moment || isSpeaking && seconds < patience.hearing else {
        return
      }
      usleep(UInt32(max(patience.interval, 0.001) * 1e6))
    }
  }

  private func message(_ mine: RankStatus.Snapshot, _ behind: [Peer]) -> String {
    var text =
      "rank \(page.rank) has waited \(seconds(mine)) s in step \(mine.step) (\(mine.phase)) for "
    // A rank that waits itself is not the one to blame, where another is further behind.
    let last = behind.map(\.snapshot.meetings).min()
    let causes = behind.filter { $0.snapshot.meetings == last || $0.state != .running }
    if causes.isEmpty {
      let ranks = mine.awaited.map { [$0] } ?? page.elsewhere
      let list = ranks.map { rank in
        page.hosts.isEmpty ? "\(rank)" : "\(rank) on host \(page.hosts[rank])"
      }.joined(separator: " or ")
      return text + "rank \(list), about which nothing is known on this node"
    }
    text += causes.map { peer in
      let process = peer.snapshot.process.map { " (process \($0))" } ?? ""
      let doing =
        peer.snapshot.isWaiting
        ? "waiting" + (peer.snapshot.awaited.map { " for rank \($0)" } ?? "") : "busy"
      let place =
        "step \(peer.snapshot.step), \(peer.snapshot.phase), \(doing) for "
        + "\(seconds(peer.snapshot)) s"
      switch peer.state {
      case .ended: return "rank \(peer.rank)\(process), which has ended: it was in \(place)"
      case .stopped: return "rank \(peer.rank)\(process), which is stopped: it is in \(place)"
      case .running: return "rank \(peer.rank)\(process), which runs: it is in \(place)"
      }
    }.joined(separator: "; and for ")
    return text
  }

  private func seconds(_ snapshot: RankStatus.Snapshot) -> String {
    let tenths = snapshot.nanoseconds / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
