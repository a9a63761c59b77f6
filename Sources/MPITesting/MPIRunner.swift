import LockstepPlatform

/// Runs programs under `mpirun`, with a deadline.
///
/// Tests run side by side, but jobs that together have more ranks than the machine has processors would
/// only slow each other down and let deadlines pass; so jobs wait for each other.
///
/// ```swift
/// let program = try MPIRunner.builtExecutable("mpi-checks")
/// let result = try MPIRunner.run(program, ["all"], ranks: 3)
/// #expect(result.succeeded, "\(result.transcript)")
/// ```
public enum MPIRunner {
  /// Runs a program on some ranks of this machine.
  ///
  /// - Parameters:
  ///   - program: the program's path.
  ///   - arguments: the program's arguments.
  ///   - ranks: the number of processes.
  ///   - environment: changes to the environment; nil removes a variable.
  ///   - launcherArguments: further arguments of `mpirun`.
  ///   - directory: the working directory.
  ///   - deadline: the time the job may take, not counting the wait for other jobs.
  ///   - isCancelled: whether to end the job now; asked every few milliseconds.
  public static func run(
    _ program: String, _ arguments: [String] = [], ranks: Int,
    environment: [String: String?] = [:], launcherArguments: [String] = [],
    directory: String? = nil, deadline: Duration = .seconds(60),
    isCancelled: () -> Bool = { false }
  ) throws -> ProgramResult {
    try JobQueue.machine.use(ranks) {
      try ProgramRunner.run(
        "mpirun", ["-n", String(ranks)] + launcherArguments + [program] + arguments,
        environment: launcherEnvironment(ranks: ranks).merging(environment) { $1 },
        directory: directory, deadline: deadline, isCancelled: isCancelled)
    }
  }

  /// Runs a program as a single process without `mpirun`.
  ///
  /// - Parameter processors: how many it keeps busy: more than one where it has threads or starts
  ///   processes itself.
  public static func runAlone(
    _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    directory: String? = nil, deadline: Duration = .seconds(60), processors: Int = 1
  ) throws -> ProgramResult {
    try JobQueue.machine.use(processors) {
      try ProgramRunner.run(
        program, arguments,
        environment: launcherEnvironment(ranks: 1).merging(environment) { $1 },
        directory: directory, deadline: deadline)
    }
  }

  /// The path of an executable of this package, which lies beside the test bundle.
  public static func builtExecutable(_ name: String) throws -> String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &path, Int(PATH_MAX))
    let own = String(decoding: path[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for start in [own, CommandLine.arguments[0]] {
      guard let slash = start.lastIndex(of: "/") else { continue }
      let candidate = "\(start[..<slash])/\(name)"
      if access(candidate, X_OK) == 0 { return candidate }
    }
    throw ProgramRunner.Failure(
      description: "no executable \(name) beside \(own): build it with the tests")
  }

  /// What Open MPI must be told, and no more: that root may run jobs where the tests run as root,
  /// and, where there are more ranks than processors, that this is meant and waiting ranks yield.
  /// Ranks are never bound, since other jobs may use the same processors. Open MPI 5 has a launcher of
  /// its own names, PRRTE; MPICH needs to be told nothing.
  static func launcherEnvironment(ranks: Int) -> [String: String?] {
    var result: [String: String?] = [
      "OMPI_MCA_hwloc_base_binding_policy": "none",
      "PRTE_MCA_hwloc_default_binding_policy": "none",
    ]
    if geteuid() == 0 {
      result["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      result["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    if ranks > Processors.online {
      result["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
      result["PRTE_MCA_rmaps_default_mapping_policy"] = ":oversubscribe"
      result["OMPI_MCA_mpi_yield_when_idle"] = "1"
    }
    return result
  }
}
