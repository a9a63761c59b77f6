import Lockstep
import LockstepConfiguration
import LockstepMPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The MPI job that a command runs in, from initialisation to the end of all ranks.
enum Job {
  /// How long ranks wait for each other at the end of a failed job before they end it by force.
  private static let patience = 5.0

  /// Initialises MPI, runs `body` on all ranks, and ends them together.
  ///
  /// Where all ranks come to the end, with an error or without, rank 0 speaks for them, MPI is
  /// finalized and each returns its code. Where some do not, those that wait in vain end the job.
  static func run(_ body: (MPICollective) throws -> Int32) throws -> Int32 {
    preferPlainSends()
    let session = try MPISession(threadLevel: .funneled)
    let result = Result { try body(try collective(session.world, .tree)) }
    return end(session, result)
  }

  /// Lets Open MPI's TCP transport send long messages as they come, unless the user has set it
  /// otherwise.
  ///
  /// By default the receiver asks for each piece of a long message. Where two ranks send to each other,
  /// as owners of slices do, these requests queue behind the other direction's data: on a link of
  /// 1 Gbit/s exchanges took half as long again as the link needs (docs/cost-model.md).
  private static func preferPlainSends() { setenv("OMPI_MCA_btl_tcp_flags", "1", 0) }

  /// The ranks of a communicator, with gradients added as asked.
  static func collective(
    _ world: MPICommunicator, _ reduction: GradientReduction
  ) throws -> MPICollective {
    try MPICollective(world, reduction: reduction) { Console.notice($0) }
  }

  /// The ranks of a job as a configuration wants them to add gradients.
  static func ranks(
    _ world: MPICollective, for configuration: RunConfiguration
  ) throws -> MPICollective {
    let reduction = GradientReduction(rawValue: configuration.reduction) ?? .tree
    let collective = try ranks(world, adding: reduction)
    collective.bucketBytes = configuration.bucketBytes
    return collective
  }

  /// The ranks of a job, with gradients added as asked.
  static func ranks(
    _ world: MPICollective, adding reduction: GradientReduction
  ) throws -> MPICollective {
    reduction == world.reduction ? world : try collective(world.communicator, reduction)
  }

  private static func end(_ session: MPISession, _ result: Result<Int32, any Error>) -> Int32 {
    var code: Int32 = 0
    var failure: (any Error)?
    switch result {
    case .success(let value): code = value
    case .failure(let error):
      failure = error
      code = ExitCode.of(error)
    }
    do {
      try waitForAll(session, failure, code)
      // One rank speaks, and its code is everybody's: the others may know of a failure at second hand.
      let codes = try session.world.allgather(failure == nil ? -1 : Int(code))
      if let speaker = codes.firstIndex(where: { $0 >= 0 }) {
        code = Int32(codes[speaker])
        if let failure, speaker == session.world.rank {
          Console.error(
            speaker == 0
              ? failure : JointFailure(rank: speaker, code: code, reason: "\(failure)"))
        }
      }
      try session.finalize()
      return code
    } catch {
      session.abort(failure ?? error, exitCode: code == 0 ? 1 : code)
    }
  }

  /// Returns when all ranks have come. A rank that failed waits a while only: others may wait for it
  /// in the middle of a step, and then it ends the job.
  private static func waitForAll(
    _ session: MPISession, _ failure: (any Error)?, _ code: Int32
  ) throws {
    try session.world.withRequests(unwindSeconds: 0) { scope in
      let barrier = try scope.barrier()
      guard let failure else { return }
      let start = try MPILibrary.wallTime()
      while try barrier.test() == nil {
        if try MPILibrary.wallTime() - start > patience {
          session.abort(failure, exitCode: code)
        }
        usleep(1000)
      }
    }
  }
}
