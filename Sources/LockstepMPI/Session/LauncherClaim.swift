import LockstepPlatform

/// What the environment says about how this process was launched.
///
/// A program that is started by one MPI's launcher and linked with another MPI's library comes up
/// as N singletons, each of which believes that it is alone. The launcher's variables tell.
package struct LauncherClaim: Sendable, Equatable {
  /// The launcher, in words.
  package let launcher: String
  /// The variable that holds the number of tasks.
  package let variable: String
  /// The number of tasks that the launcher says it started.
  package let tasks: Int

  /// Reads the claim from an environment; nil where no launcher speaks.
  ///
  /// The launcher nearest to the process wins, so that `mpirun -n 1` inside a Slurm allocation of
  /// four tasks counts as one task. Slurm's variables count only inside a job step (`srun`): a
  /// shell of `salloc` and a script of `sbatch` see `SLURM_NTASKS` too, and a single process there
  /// is legitimate.
  package init?(environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap(Int.init) }
    if let tasks = number("OMPI_COMM_WORLD_SIZE") {
      self.init(launcher: "Open MPI's mpirun", variable: "OMPI_COMM_WORLD_SIZE", tasks: tasks)
    } else if let tasks = number("MV2_COMM_WORLD_SIZE") {
      self.init(launcher: "MVAPICH's mpirun", variable: "MV2_COMM_WORLD_SIZE", tasks: tasks)
    } else if let tasks = number("PMI_SIZE") {
      self.init(
        launcher: "a PMI launcher (MPICH, Intel MPI or srun)", variable: "PMI_SIZE",
        tasks: tasks)
    } else if number("SLURM_PROCID") != nil, let tasks = number("SLURM_STEP_NUM_TASKS") {
      self.init(launcher: "Slurm's srun", variable: "SLURM_STEP_NUM_TASKS", tasks: tasks)
    } else if number("SLURM_PROCID") != nil,
      let step = number("SLURM_STEP_ID") ?? number("SLURM_STEPID"),
      // Slurm numbers its batch, interactive and external pseudo-steps down from 2^32.
      step < 0xffff_fff0,
      let tasks = number("SLURM_NTASKS")
    {
      self.init(launcher: "Slurm's srun", variable: "SLURM_NTASKS", tasks: tasks)
    } else {
      return nil
    }
  }

  private init(launcher: String, variable: String, tasks: Int) {
    self.launcher = launcher
    self.variable = variable
    self.tasks = tasks
  }

  /// The reason not to let a library start under this launcher, from the text of its version; nil where it
  /// may be tried. MPICH ends a process that Open MPI's launcher has started, with a message of its inside,
  /// unless it was built to speak PMIx.
  package func refusal(library version: String) -> String? {
    guard variable == "OMPI_COMM_WORLD_SIZE", version.hasPrefix("MPICH"),
      !version.lowercased().contains("pmix")
    else { return nil }
    return """
      \(launcher) has started this process, and the program is linked with \
      \(MPILibrary.name(inVersion: version)), which cannot start under it: take MPICH's own mpirun
      """
  }

  /// The reason to refuse a world of this size, or nil where launcher and library agree.
  package func refusal(worldSize: Int) -> String? {
    guard worldSize == 1, tasks > 1 else { return nil }
    return """
      \(launcher) says that it started \(tasks) tasks (\(variable)=\(tasks)), but this MPI library \
      sees 1: each process would work alone. Start the program with the launcher of the MPI \
      library that it is linked with (\(MPILibrary.name)), or unset \
      \(variable) if a single process is meant
      """
  }

  /// Whether a launcher that says no number of tasks offers this process its services.
  static var isManaged: Bool { getenv("PMIX_NAMESPACE") != nil || getenv("PMIX_RANK") != nil }

  /// The variables of this process that a claim is read from.
  static func currentEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    for name in [
      "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_PROCID",
      "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID", "SLURM_STEPID", "SLURM_NTASKS",
    ] {
      if let value = getenv(name) { result[name] = String(cString: value) }
    }
    return result
  }
}
