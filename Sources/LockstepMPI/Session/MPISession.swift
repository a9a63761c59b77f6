internal import CMPI
internal import Synchronization
import LockstepPlatform

/// Somebody who has to know when MPI ends.
package protocol MPISessionObserver: AnyObject, Sendable {
  /// This rank is about to wait in `MPI_Finalize`.
  func willFinalize()
  /// MPI is finalized, or could not be.
  func didFinalize()
}

/// The time between initialising and finalizing MPI, once in a process's life.
///
/// The closure form is for most programs:
///
/// ```swift
/// MPISession.run(threadLevel: .funneled) { world in
///   print(world.rank, try world.allreduce(1, .sum))
/// }
/// ```
///
/// A program that must decide itself what becomes of an error makes a session, uses ``world``, and
/// calls ``finalize()`` on success and ``abort(_:exitCode:)-method`` on failure. A session that goes out
/// of scope does neither: finalizing on one rank while another waits in a call would hang both.
///
/// Errors of MPI return to the caller as ``MPIError`` (`MPI_ERRORS_RETURN` is set at the start).
/// Source: MPI 3.1, sections 8.3 and 8.7.
public final class MPISession {
  /// All ranks of the job.
  public let world: MPICommunicator
  /// This rank alone.
  public let selfOnly: MPICommunicator
  /// The thread level that the library provides, at least the one requested.
  public let threadLevel: MPIThreadLevel

  /// Initialises MPI.
  ///
  /// - Parameters:
  ///   - threadLevel: the least level of thread support that will do.
  ///   - checksLauncher: whether a launch under another MPI's launcher is refused; see
  ///     `LauncherClaim`.
  /// - Throws: ``MPIError`` of kind `state` where MPI was initialised before, `resource` where the
  ///   thread level is not provided, `launch` under the wrong launcher. MPI is then finalized, or was not
  ///   initialised.
  public init(threadLevel: MPIThreadLevel = .funneled, checksLauncher: Bool = true)
    throws(MPIError)
  {
    let call = "MPI_Init_thread"
    guard !MPILibrary.isInitialized else {
      throw MPIError(
        kind: .state, call: call,
        message: MPILibrary.isFinalized
          ? "MPI was finalized: a process can have one session only"
          : "MPI is initialised already: a process can have one session only",
        rank: WorldRank.known)
    }
    // Read before MPI adds variables of its own.
    let claim = LauncherClaim(environment: LauncherClaim.currentEnvironment())
    LibrarySettings(isLaunched: claim != nil || LauncherClaim.isManaged).apply()
    if checksLauncher, let reason = claim?.refusal(library: MPILibrary.version) {
      throw MPIError(kind: .launch, call: call, message: reason, rank: nil)
    }

    let output = StandardOutput()
    var provided: Int32 = 0
    try check(call, MPI_Init_thread(nil, nil, threadLevel.code, &provided))
    output.keepLinesWhole()
    try check("MPI_Comm_set_errhandler", lockstep_mpi_comm_return_errors(lockstep_mpi_comm_world()))
    try check("MPI_Comm_set_errhandler", lockstep_mpi_comm_return_errors(lockstep_mpi_comm_self()))
    world = try MPICommunicator(lockstep_mpi_comm_world(), isOwned: false)
    selfOnly = try MPICommunicator(lockstep_mpi_comm_self(), isOwned: false)
    self.threadLevel = MPIThreadLevel(provided)

    if checksLauncher, let reason = claim?.refusal(worldSize: world.size) {
      MPI_Finalize()
      throw MPIError(kind: .launch, call: call, message: reason, rank: nil)
    }
    WorldRank.remember(world.rank)
    if threadLevel < .serialized { MPILibrary.bindToThread() }
    if self.threadLevel < threadLevel {
      MPI_Finalize()
      throw MPIError(
        kind: .resource, call: call,
        message: """
          thread level \(threadLevel) was requested and \(self.threadLevel) is all that this \
          library provides
          """, rank: world.rank)
    }
  }

  private static let observers = Mutex<[any MPISessionObserver]>([])

  /// Lets somebody know of the session's end, whom the session keeps until then.
  package static func add(_ observer: any MPISessionObserver) {
    observers.withLock { $0.append(observer) }
  }

  /// Ends MPI on success. All ranks call it; afterwards every other call throws.
  public func finalize() throws(MPIError) {
    try MPILibrary.requireReady("MPI_Finalize")
    let observers = Self.observers.withLock { observers in
      defer { observers = [] }
      return observers
    }
    for observer in observers { observer.willFinalize() }
    defer { for observer in observers { observer.didFinalize() } }
    try MPIRegistry.shared.releaseAll()
    try check("MPI_Finalize", MPI_Finalize())
  }

  /// Prints the error with this rank's number to standard error and ends all ranks of the job.
  ///
  /// - Parameter exitCode: the code that the launcher is asked to return, not 0.
  public func abort(_ error: any Error, exitCode: Int32 = 1) -> Never {
    Self.abort(error, exitCode: exitCode)
  }

  /// Prints the error with this rank's number to standard error and ends all ranks of the job.
  public static func abort(_ error: any Error, exitCode: Int32 = 1) -> Never {
    var text = String(describing: error)
    if let rank = WorldRank.known, !text.hasPrefix("rank \(rank): ") {
      text = "rank \(rank): \(text)"
    }
    fflush(nil)
    // One write, so that the lines of several ranks do not mix.
    var line = Array("\(text)\n".utf8)
    write(STDERR_FILENO, &line, line.count)
    let code = exitCode == 0 ? 1 : exitCode
    guard MPILibrary.isReady else { _exit(code) }
    LastWords.passOn()
    _ = lockstep_mpi_abort(lockstep_mpi_comm_world(), code)
    _exit(code)
  }

  /// Initialises MPI, runs the body, and finalizes MPI.
  ///
  /// An error that leaves the body is printed with the rank's number, and all ranks of the job end:
  /// this function does not return then, and MPI is not finalized, since other ranks may wait for
  /// this one. Where MPI cannot be initialised (see ``init(threadLevel:checksLauncher:)``), the
  /// error is printed and the process ends.
  ///
  /// - Parameters:
  ///   - threadLevel: the least level of thread support that will do.
  ///   - exitCode: the code for an error, 1 unless told otherwise.
  ///   - body: what to do with all ranks of the job.
  public static func run<Result>(
    threadLevel: MPIThreadLevel = .funneled,
    exitCode: (any Error) -> Int32 = { _ in 1 },
    _ body: (MPICommunicator) throws -> Result
  ) -> Result {
    do {
      let session = try MPISession(threadLevel: threadLevel)
      let result = try body(session.world)
      try session.finalize()
      return result
    } catch {
      abort(error, exitCode: exitCode(error))
    }
  }
}
