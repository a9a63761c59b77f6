import LockstepFiles
import Synchronization
import LockstepPlatform

/// Ends a rank that waits for one that will never come, and says for whom.
///
/// A thread that calls no MPI looks at the node's status page now and then. It ends the rank where
///
/// - a rank has ended, or has finished its part of the program while this one waits for it,
/// - it waits longer than the deadline: a short one inside a step and for a rank that is stopped, a long
///   one around steps, where ranks load data, make plans, evaluate and write files,
/// - another rank of the node has given the job up,
/// - it waits for a rank that is stopped, and was itself asked to stop (SIGTERM), or
/// - it waits for a rank of another node, of which nothing is known, several times as long as it has
///   ever waited, and was itself asked to stop.
///
/// It prints who waits where for whom, leaves the outcome, lets the other ranks do the same, and ends the
/// process. The launcher kills all ranks as soon as one ends, so none ends before those of its node have
/// spoken. Time in which this process was suspended does not count.
///
/// ``MPICollective`` has one by default.
package final class Watchdog: Sendable {
  /// How patient a watchdog is.
  package typealias Patience = WatchPatience
  /// Why a rank is ended.
  package typealias Verdict = WatchVerdict

  private struct State {
    var patience: Patience
    var outcome: OutcomeFile?
    var isOver = false
    var thread: RankThread?
  }
  private let state: Mutex<State>
  private let page: StatusPage

  /// How patient it is; may change while it watches.
  package var patience: Patience {
    get { state.withLock { $0.patience } }
    set { state.withLock { $0.patience = newValue } }
  }

  /// Where it leaves the outcome; nil for nowhere.
  package var outcome: OutcomeFile? {
    get { state.withLock { $0.outcome } }
    set { state.withLock { $0.outcome = newValue } }
  }

  /// Whether a watchdog of this process is about to end it.
  private static let isEnding = Atomic<Bool>(false)

  /// Starts to watch.
  ///
  /// - Parameters:
  ///   - page: the node's statuses.
  ///   - patience: when to lose it.
  ///   - outcome: where to leave the outcome; nil for nowhere.
  ///   - isInterrupted: whether this rank was asked to stop; by default by signal.
  ///   - announce: prints a message; by default to standard error.
  ///   - end: ends the process, from the watchdog's thread; by default with the outcome's exit
  ///     code.
  package init(
    _ page: StatusPage, _ patience: Patience = Patience(), outcome: OutcomeFile? = nil,
    isInterrupted: @escaping @Sendable () -> Bool = { Interruption.isRequested },
    announce: @escaping @Sendable (String) -> Void = Watchdog.print,
    end: (@Sendable (Verdict) -> Void)? = nil
  ) {
    self.page = page
    state = Mutex(State(patience: patience, outcome: outcome))
    let thread = RankThread { [weak self] in
      let watch = Watch(page, interval: patience.interval, isInterrupted: isInterrupted)
      var request = RequestNote()
      while true {
        usleep(UInt32(max(patience.interval, 0.001) * 1e6))
        guard let state = self?.state.withLock({ ($0.patience, $0.outcome, $0.isOver) }), !state.2
        else { return }
        let (patience, outcome, _) = state
        guard let verdict = watch.look(patience), self?.isOver == false else {
          request.look(isInterrupted(), page, outcome)
          continue
        }
        // One watchdog of a process speaks.
        if end == nil, Self.isEnding.exchange(true, ordering: .relaxed) { return }
        announce(verdict.message)
        // At once: the launcher may be about to kill this process, and a disk can take seconds.
        outcome?.settle(verdict.outcome, owner: watch.ownerState(0))
        page.own.speak()
        watch.hear(patience)
        if let end { end(verdict) } else { LastWords.end(verdict.outcome.exitCode) }
        return
      }
    }
    state.withLock { $0.thread = thread }
  }

  private var isOver: Bool { state.withLock { $0.isOver } }

  /// Stops watching: the rank comes to no meeting any more. A rank that waits for it from now on says
  /// so and ends.
  package func stop() {
    let thread = state.withLock { state in
      state.isOver = true
      defer { state.thread = nil }
      return state.thread
    }
    guard let thread else { return }
    page.own.finish()
    thread.join()
  }

  deinit { stop() }

  /// One write to standard error, so that the lines of several ranks do not mix.
  @Sendable package static func print(_ message: String) {
    let line = Array("lockstep: \(message)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// Leaves word of a request to stop that the run has not come to: a launcher may kill all ranks a second
/// after it has asked them.
private struct RequestNote {
  private var looks = 0
  /// So many looks after the request, in which a rank that has failed would have been seen.
  private static let due = 4

  mutating func look(_ isRequested: Bool, _ page: StatusPage, _ outcome: OutcomeFile?) {
    guard isRequested, looks < Self.due, let outcome, page.rank == 0, page.elsewhere.isEmpty
    else { return }
    looks += 1
    guard looks == Self.due else { return }
    let step = page.own.snapshot.step
    outcome.note(
      Outcome(
        .interrupted, step: max(step - 1, 0),
        message: "asked to stop in step \(step), and ended before it was done: go on from the last "
          + "checkpoint with --resume"))
  }
}
