import LockstepPlatform

/// The judgement of a watchdog, without its thread.
package final class Watch {
  private let page: StatusPage
  private let isInterrupted: () -> Bool
  private let clock: () -> UInt64
  private let stateOf: (Int32) -> ProcessState

  /// How long the wait at hand has lasted.
  private var wait: AttendedTime
  /// The longest wait that came to its end, and the one at hand, in seconds.
  private var longest = 0.0
  private var current = 0.0
  /// The looks so far.
  private var looks = 0
  /// Ranks that were gone at the last look too: what one wrote last must arrive first.
  private var gone: Set<Int> = []
  /// How many looks in a row have found a rank stopped: one that is being resumed gets its time.
  private var stoppedLooks = 0

  /// - Parameters:
  ///   - page: the node's statuses.
  ///   - isInterrupted: whether this rank was asked to stop.
  ///   - clock: the time in nanoseconds.
  ///   - stateOf: looks up a process of this machine.
  package init(
    _ page: StatusPage, interval: Double, isInterrupted: @escaping () -> Bool,
    clock: @escaping () -> UInt64 = { SystemClock.now },
    stateOf: @escaping (Int32) -> ProcessState = { ProcessState($0) }
  ) {
    self.page = page
    self.isInterrupted = isInterrupted
    self.clock = clock
    self.stateOf = stateOf
    wait = AttendedTime(interval: interval, now: clock())
  }

  private struct Peer {
    package let rank: Int
    let snapshot: RankStatus.Snapshot
    let state: ProcessState
  }

  /// A busy rank looks its peers' processes up once in so many looks.
  private static let sparsity = 10
  /// So many looks in a row make a rank that is stopped one that stays stopped.
  private static let stoppedForGood = 4

  /// Why this rank should end; nil where it should not.
  package func look(_ patience: WatchPatience) -> WatchVerdict? {
    let mine = page.own.snapshot
    looks += 1
    let wasSuspended = wait.look(at: clock(), since: mine.isWaiting ? mine.since : nil)
    // Another wait, where less has been waited than before.
    if wait.seconds < current, !wasSuspended { longest = max(longest, current) }
    current = wait.seconds
    let interrupted = isInterrupted()
    let hasWaited = current > patience.interval
    // Looking processes up costs, and most waits are short.
    guard hasWaited || interrupted || looks % Self.sparsity == 0 else { return nil }

    let peers = zip(page.ranks, page.statuses).compactMap { rank, status -> Peer? in
      guard rank != page.rank else { return nil }
      let snapshot = status.snapshot
      return Peer(
        rank: rank, snapshot: snapshot, state: snapshot.process.map(stateOf) ?? .running)
    }
    // Who has finished, and has been to all meetings that this rank has, is not missed.
    let missed = peers.filter { !$0.snapshot.isFinished || $0.snapshot.meetings < mine.meetings }
    // Who has given the job up is not to blame for having ended.
    let speakers = peers.filter(\.snapshot.hasSpoken)
    let lost = missed.filter {
      !$0.snapshot.hasSpoken
        && ($0.state == .ended || mine.isWaiting && $0.snapshot.isFinished)
    }
    let isLost = lost.contains { gone.contains($0.rank) || interrupted && $0.state == .ended }
    gone = Set(lost.map(\.rank))
    let stopped = missed.filter { $0.state == .stopped }
    stoppedLooks = stopped.isEmpty || wasSuspended ? 0 : stoppedLooks + 1

    if isLost {
      return verdict(message(mine, lost), mine)
    }
    // The launcher is about to end this rank, too.
    let silent = missed.contains { !$0.snapshot.hasSpoken }
    if !speakers.isEmpty, !mine.isWaiting || !hasWaited || !silent {
      return verdict(message(givenUpBy: speakers, mine), mine)
    }
    guard hasWaited else { return nil }
    let deadline =
      stopped.isEmpty && !mine.phase.isInStep ? patience.longDeadline : patience.deadline
    let isElsewhere =
      !page.elsewhere.isEmpty && mine.phase.isInStep
      && current > max(patience.afterRequest, 4 * longest)
      && !missed.contains { $0.snapshot.meetings < mine.meetings || $0.rank == mine.awaited }
    let isHopeless = interrupted && (stoppedLooks >= Self.stoppedForGood || isElsewhere)
    guard current > deadline || isHopeless || !speakers.isEmpty else { return nil }
    return verdict(
      message(mine, suspects(missed.filter { !$0.snapshot.hasSpoken }, mine)), mine,
      // Another rank may have given up a stopped one first, by the same request.
      isInterruption: interrupted && (speakers.isEmpty || !stopped.isEmpty))
  }

  private func verdict(
    _ message: String, _ mine: RankStatus.Snapshot, isInterruption: Bool = false
  ) -> WatchVerdict {
    WatchVerdict(isInterruption: isInterruption, message: message, step: mine.step)
  }

  /// Whether the rank that owns the run's outcome can write it no more: it has ended or is stopped.
  package func ownerState(_ owner: Int) -> ProcessState {
    guard let place = page.ranks.firstIndex(of: owner) else { return .running }
    return page.statuses[place].snapshot.process.map(stateOf) ?? .running
  }

  /// Returns once the other ranks have spoken: those of this node that wait, and the one that owns the
  /// outcome, where they live, or once they have had their time.
  func hear(_ patience: WatchPatience) {
    var time = AttendedTime(interval: patience.interval, now: clock())
    let start = clock()
    while true {
      _ = time.look(at: clock(), since: start)
      let silent = zip(page.ranks, page.statuses).compactMap { rank, status in
        let snapshot = status.snapshot
        return rank != page.rank && (snapshot.isWaiting || rank == 0) && !snapshot.hasSpoken
          && !snapshot.isFinished ? snapshot : nil
      }
      let isUnseen = !page.elsewhere.isEmpty || silent.contains { $0.process == nil }
      let isSpeaking = silent.compactMap(\.process).contains { stateOf($0) == .running }
      guard
        isUnseen && time.seconds < patience.moment || isSpeaking && time.seconds < patience.hearing
      else { return }
      usleep(UInt32(max(patience.interval, 0.001) * 1e6))
    }
  }

  // MARK: Words

  /// Whom a wait is for: who is stopped or whom this rank waits for, else those that are behind, else
  /// those that are in the same meeting. Never nobody, where there is somebody on this node.
  private func suspects(_ missed: [Peer], _ mine: RankStatus.Snapshot) -> [Peer] {
    let behind = missed.filter { $0.snapshot.meetings < mine.meetings }
    // A rank that waits itself is not the one to blame, where another is further behind.
    let last = behind.map(\.snapshot.meetings).min()
    let named = missed.filter { peer in
      peer.state != .running || peer.snapshot.meetings == last
        || behind.isEmpty && peer.rank == mine.awaited
    }
    if !named.isEmpty { return named }
    // The page does not show who holds the meeting up: it may be another node's rank.
    return page.elsewhere.isEmpty ? missed.filter { $0.snapshot.isWaiting } : []
  }

  private func message(_ mine: RankStatus.Snapshot, _ causes: [Peer]) -> String {
    let doing = mine.isWaiting ? "has waited \(tenths(current)) s" : "is"
    let text =
      "rank \(page.rank) \(doing) in step \(mine.step) (\(mine.phase)) "
      + (mine.isWaiting ? "" : "and would wait ")
    if causes.isEmpty {
      let ranks =
        mine.awaited.map { [$0] }
        ?? (page.elsewhere.isEmpty ? page.ranks.filter { $0 != page.rank } : page.elsewhere)
      let list = ranks.map(place).joined(separator: " or ")
      return text + "for rank \(list), about which nothing is known on this node"
    }
    return text + "for " + causes.map(describe).joined(separator: "; and for ")
  }

  private func message(givenUpBy speakers: [Peer], _ mine: RankStatus.Snapshot) -> String {
    let ranks = speakers.map { "\($0.rank)" }.joined(separator: ", ")
    let plural = speakers.count == 1 ? " \(ranks) has" : "s \(ranks) have"
    let awaited = mine.awaited.flatMap { rank in
      speakers.contains { $0.rank == rank } ? nil : " for rank \(place(rank))"
    }
    let doing = mine.isWaiting ? "waits" + (awaited ?? "") : "was busy, or was stopped,"
    return "rank\(plural) given this job up (its message says why) while rank \(page.rank) "
      + "\(doing) in step \(mine.step) (\(mine.phase))"
  }

  /// A rank's number, and its host where hosts are known.
  private func place(_ rank: Int) -> String {
    page.hosts.isEmpty ? "\(rank)" : "\(rank) on host \(page.hosts[rank])"
  }

  private func describe(_ peer: Peer) -> String {
    let process = peer.snapshot.process.map { " (process \($0))" } ?? ""
    let name = "rank \(peer.rank)\(process)"
    let doing =
      peer.snapshot.isWaiting
      ? "waiting" + (peer.snapshot.awaited.map { " for rank \($0)" } ?? "") : "busy"
    let now = clock()
    let since = peer.snapshot.since
    let lasted = tenths(now > since ? Double(now - since) / 1e9 : 0)
    let place = "step \(peer.snapshot.step), \(peer.snapshot.phase), \(doing) for \(lasted) s"
    switch peer.state {
    case .ended: return "\(name), which has ended: it was in \(place)"
    case .stopped: return "\(name), which is stopped: it is in \(place)"
    case .running where peer.snapshot.isFinished:
      return "\(name), which has finished its part and comes no more: it was in \(place)"
    case .running: return "\(name), which runs: it is in \(place)"
    }
  }

  private func tenths(_ seconds: Double) -> String {
    let tenths = Int(min(seconds, 1e9) * 10)
    return "\(tenths / 10).\(tenths % 10)"
  }
}
