/// Where a program that trains begins.
public enum Lockstep {
  /// Starts MPI, takes all ranks of the job, runs the body on each, and ends MPI.
  ///
  /// Without `mpirun` there is one rank. SIGTERM, SIGUSR1 and the first Ctrl-C end a training in good
  /// order (``Interruption``). An error that leaves the body is printed with the rank's number and ends
  /// the job with code 1; this function does not return then.
  public static func run<Result>(_ body: (MPICollective) throws -> Result) -> Result {
    Interruption.install()
    return MPISession.run { world in
      // MPI may have put handlers of its own in the place.
      Interruption.install()
      return try body(try MPICollective(world))
    }
  }
}
