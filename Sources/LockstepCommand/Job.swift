import Lockstep
import LockstepConfiguration
import LockstepMPI
import LockstepPlatform

/// The MPI job that a command runs in, from initialisation to the end of all ranks.
enum Job {
  /// How long ranks wait for each other at the end of a failed job before they end it by force.
  private static let patience = 5.0

  /// Initialises MPI, runs `body` on all ranks, and ends them together.
  ///
  /// Where all ranks come to the end, with an error or without, rank 0 speaks for them, MPI is
  /// finalized and each returns its code. Where some do not, those that wait in vain end the job.
  ///
  /// - Parameter patience: how long ranks wait for each other until they agree on how long.
  static func run(
    patience: Watchdog.Patience = Watchdog.Patience(), _ body: (MPICollective) throws -> Int32
  ) throws -> Int32 {
    preferPlainSends()
    let start = StartWatch("MPI_Init", patience)
    let session = try MPISession(threadLevel: .funneled)
    start.stop()
    var ranks: MPICollective?
    let result = Result {
      let all = try collective(session.world, .tree, patience)
      ranks = all
      let code = try body(all)
      // What rank 0 could not say is a failure of the job.
      if code == ExitCode.done, let failure = Console.failure { throw failure }
      return code
    }
    return end(session, ranks?.page, result)
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
    _ world: MPICommunicator, _ reduction: GradientReduction, _ patience: Watchdog.Patience
  ) throws -> MPICollective {
    try MPICollective(world, reduction: reduction, patience: patience) { Console.notice($0) }
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
    reduction == world.reduction
      ? world
      : try collective(
        world.communicator, reduction, world.watchdog?.patience ?? Watchdog.Patience())
  }

  private static func end(
    _ session: MPISession, _ page: StatusPage?, _ result: Result<Int32, any Error>
  ) -> Int32 {
    var code: Int32 = 0
    var failure: (any Error)?
    switch result {
    case .success(let value): code = value
    case .failure(let error):
      failure = error
      code = ExitCode.of(error)
    }
    do {
      // Where one fails alone, the others do not come to this meeting.
      try page.waiting(isMeeting: failure == nil) { try waitForAll(session, failure, code) }
      // One rank speaks, and its code is everybody's: the others may know of a failure at second hand.
      let codes = try page.waiting {
        try session.world.allgather(failure == nil ? -1 : Int(code))
      }
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
      // Counted, not timed: where the whole job is suspended nobody is late.
      var waits = 0
      while try barrier.test() == nil {
        if Double(waits) * 1e-3 > patience { session.abort(failure, exitCode: code) }
        usleep(1000)
        waits += 1
      }
    }
  }
}
