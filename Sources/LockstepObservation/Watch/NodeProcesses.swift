import LockstepPlatform

/// The processes of a job's ranks on this node, as the system's table of processes has them: those with
/// the same program that belong to the same job.
struct NodeProcesses {
  struct Peer: Equatable {
    let rank: Int
    let process: Int32
    let state: ProcessState
  }

  /// This process's rank.
  let rank: Int
  private let job: Job
  private let rankVariable: String
  private let program: String

  /// What the ranks of a job on this node have in common.
  private enum Job: Equatable {
    /// A variable of the environment.
    case variable(String, value: String)
    /// The process that has started them, where the launcher names no job: MPICH's has one on each node.
    case parent(Int32)
  }

  private static let variables = [
    ("PMIX_NAMESPACE", "PMIX_RANK"), ("PMI_JOBID", "PMI_RANK"), ("SLURM_JOB_ID", "SLURM_PROCID"),
  ]

  /// Nil where no launcher says which job and rank this process is.
  init?() {
    let own = Self.environment("self")
    func rank(_ variable: String) -> Int? { own[variable].flatMap { Int($0) } }
    program = Self.program("self")
    // First: MPICH's launcher hands on what Slurm's has said of its own process.
    if own["MPI_LOCALNRANKS"] != nil, let rank = rank("PMI_RANK") {
      self.job = .parent(getppid())
      self.rank = rank
      rankVariable = "PMI_RANK"
      return
    }
    for (jobVariable, rankVariable) in Self.variables {
      guard let job = own[jobVariable], let rank = rank(rankVariable) else { continue }
      self.job = .variable(jobVariable, value: job)
      self.rank = rank
      self.rankVariable = rankVariable
      return
    }
    return nil
  }

  /// The other ranks' processes, by rank.
  func peers() -> [Peer] {
    ProcessTable.processes.compactMap { process -> Peer? in
      guard process != getpid(), Self.program("\(process)") == program else { return nil }
      let environment = Self.environment("\(process)")
      guard isOfJob(process, environment),
        let rank = environment[rankVariable].flatMap({ Int($0) }), rank != self.rank
      else { return nil }
      return Peer(rank: rank, process: process, state: ProcessState(process))
    }.sorted { $0.rank < $1.rank }
  }

  private func isOfJob(_ process: Int32, _ environment: [String: String]) -> Bool {
    switch job {
    case .variable(let name, let value): environment[name] == value
    case .parent(let parent): ProcessTable.parent(of: process) == parent
    }
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
