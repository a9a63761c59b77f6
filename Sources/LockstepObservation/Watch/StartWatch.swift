import Synchronization
import LockstepPlatform

/// Ends a rank that waits in vain where ranks cannot see each other's statuses: in `MPI_Init`, in
/// `MPI_Finalize`, and until there is a ``StatusPage``.
///
/// Of the other ranks it knows what the system says of their processes: that one is stopped, or is not
/// there.
package final class StartWatch: Sendable {
  private struct State {
    var isOver = false
    var thread: RankThread?
  }
  private let state = Mutex(State())

  /// Starts to watch.
  ///
  /// - Parameters:
  ///   - place: where ranks wait for each other, for the message.
  ///   - patience: how long a rank that is stopped is waited for, and how long any other.
  ///   - end: ends the process, after the message was printed.
  package init(
    _ place: String, _ patience: Watchdog.Patience = Watchdog.Patience(),
    announce: @escaping @Sendable (String) -> Void = Watchdog.print,
    end: @escaping @Sendable () -> Void = { LastWords.end(1) }
  ) {
    guard let node = NodeProcesses() else { return }
    let thread = RankThread { [weak self] in
      let start = SystemClock.now
      var time = AttendedTime(interval: patience.interval, now: start)
      while true {
        usleep(UInt32(max(patience.interval, 0.001) * 1e6))
        guard let self, !self.state.withLock({ $0.isOver }) else { return }
        _ = time.look(at: SystemClock.now, since: start)
        guard time.seconds > patience.deadline else { continue }
        // Looking through all processes takes a while.
        let peers = node.peers()
        let stopped = peers.filter { $0.state == .stopped }
        guard !stopped.isEmpty || time.seconds > patience.longDeadline else {
          usleep(500_000)
          continue
        }
        let tenths = Int(time.seconds * 10)
        announce(
          "rank \(node.rank) has waited \(tenths / 10).\(tenths % 10) s in \(place) for "
            + Self.words(stopped.isEmpty ? peers : stopped))
        end()
        return
      }
    }
    state.withLock { $0.thread = thread }
  }

  private static func words(_ peers: [NodeProcesses.Peer]) -> String {
    if peers.isEmpty { return "ranks of which none is seen on this node" }
    return peers.map { peer in
      let state =
        switch peer.state {
        case .running: "runs"
        case .stopped: "is stopped"
        case .ended: "has ended"
        }
      return "rank \(peer.rank) (process \(peer.process)), which \(state)"
    }.joined(separator: "; or for ")
  }

  /// Stops watching.
  package func stop() {
    let thread = state.withLock { state in
      state.isOver = true
      defer { state.thread = nil }
      return state.thread
    }
    thread?.join()
  }

  deinit { stop() }
}
