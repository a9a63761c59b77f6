import LockstepPlatform

/// The end of a node's lowest rank: it goes last, so that a rank that is stopped behind `MPI_Finalize` is
/// seen, and does not keep the launcher waiting for good.
///
/// What nobody is left to see is the lowest rank itself, stopped when all others have gone.
package struct LastWatch {
  private let node: NodeProcesses
  private let peers: [NodeProcesses.Peer]
  private let patience: Watchdog.Patience
  private let announce: (String) -> Void
  private let end: () -> Void

  /// So long a peer that runs is waited for: it may have other work to do.
  private static let courtesy = 0.5

  /// Nil for a rank that is not its node's lowest, or is alone.
  package init?(
    _ patience: Watchdog.Patience, announce: @escaping (String) -> Void = Watchdog.print,
    end: @escaping () -> Void = { LastWords.end(1) }
  ) {
    guard let node = NodeProcesses() else { return nil }
    peers = node.peers()
    guard let lowest = peers.first?.rank, node.rank < lowest else { return nil }
    self.node = node
    self.patience = patience
    self.announce = announce
    self.end = end
  }

  /// Returns once the peers have ended, or have gone on with something else. Ends this process, and so
  /// the job, where one stays stopped for as long as a watchdog waits.
  package func outlastPeers() {
    let start = SystemClock.now
    var time = AttendedTime(interval: patience.interval, now: start)
    while true {
      _ = time.look(at: SystemClock.now, since: start)
      let states = peers.map { ProcessState($0.process) }
      guard let stopped = states.firstIndex(of: .stopped) else {
        if !states.contains(.running) || time.seconds > Self.courtesy { return }
        usleep(1_000)
        continue
      }
      if time.seconds > patience.deadline {
        let peer = peers[stopped]
        announce(
          "rank \(node.rank) is at its end, and rank \(peer.rank) (process \(peer.process)), which is "
            + "stopped behind MPI_Finalize, is not: the run is over, and the job is ended")
        return end()
      }
      usleep(UInt32(max(patience.interval, 0.001) * 1e6))
    }
  }
}
