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
    end: @escaping @Sendable () -> Void = { _exit(1) }
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

/// The processes of a job's ranks on this node, as the system's table of processes has them: those with
/// the same program whose environment names the same job.
struct NodeProcesses {
  struct Peer: Equatable {
    package let rank: Int
    let process: Int32
    let state: ProcessState
  }

  /// This process's rank.
  package let rank: Int
  private let job: String
  private let rankVariable: String
  private let program: String

  private static let variables = [
    ("PMIX_NAMESPACE", "PMIX_RANK"), ("PMI_JOBID", "PMI_RANK"), ("SLURM_JOB_ID", "SLURM_PROCID"),
  ]

  /// Nil where no launcher says which job and rank this process is.
  init?() {
    let own = Self.environment("self")
    for (jobVariable, rankVariable) in Self.variables {
      guard let job = own[jobVariable], let rank = own[rankVariable].flatMap(Int.init) else {
        continue
      }
      self.job = "\(jobVariable)=\(job)"
      self.rank = rank
      self.rankVariable = rankVariable
      program = Self.program("self")
      return
    }
    return nil
  }

  /// The other ranks' processes, by rank.
  func peers() -> [Peer] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Peer] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let process = Int32(name), process != getpid(), Self.program(name) == program else {
        continue
      }
      let environment = Self.environment(name)
      let parts = job.split(separator: "=", maxSplits: 1)
      guard environment[String(parts[0])] == String(parts[1]),
        let rank = environment[rankVariable].flatMap(Int.init), rank != self.rank
      else { continue }
      found.append(Peer(rank: rank, process: process, state: ProcessState(process)))
    }
    return found.sorted { $0.rank < $1.rank }
  }

  private static func program(_ process: String) -> String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/\(process)/exe", &path, path.count)
    return String(decoding: path[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func environment(_ process: String) -> [String: String] {
    var result: [String: String] = [:]
    for entry in SystemFile.bytes("/proc/\(process)/environ").split(separator: 0) {
      let words = entry.split(separator: UInt8(ascii: "="), maxSplits: 1)
      guard words.count == 2 else { continue }
      result[String(decoding: words[0], as: UTF8.self)] = String(decoding: words[1], as: UTF8.self)
    }
    return result
  }
}
