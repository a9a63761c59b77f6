/// The launcher that `mpirun` is: what a job's end looks like is its affair.
package enum Launcher: Sendable {
  /// Open MPI's: when a rank has ended early, the others have the time to say so.
  case openMPI
  /// Hydra, MPICH's: when a rank has ended early it kills the others in the same moment, and says so itself.
  /// What it returns is the code or the signal of any rank, its own kills among them.
  case hydra

  /// The one that `PATH` leads to.
  package static let current: Launcher = {
    let result = try? ProgramRunner.run("mpirun", ["--version"], deadline: .seconds(30))
    return result?.output.contains("HYDRA") == true ? .hydra : .openMPI
  }()
}
