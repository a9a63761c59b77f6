import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The request to stop that a batch system or a person sends.
///
/// | signal | from |
/// |---|---|
/// | SIGTERM | `kill`, a batch system at the end of the time |
/// | SIGUSR1 | a batch system ahead of a preemption; `mpirun` passes it on to the ranks |
/// | SIGINT, SIGHUP | Ctrl-C, a terminal that goes; the second one ends the process at once |
///
/// The handler only sets a flag; the trainer reads it before each step, the ranks agree on it with
/// the step's numbers, and all of them save and end after the same step.
public enum Interruption {
  private static let flag = Atomic<Bool>(false)
  private static let wasAskedByHand = Atomic<Bool>(false)

  /// Whether a signal came or ``request()`` was called.
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Asks for a stop, as a signal does.
  public static func request() { flag.store(true, ordering: .relaxed) }

  /// Takes the request back.
  public static func clear() {
    flag.store(false, ordering: .relaxed)
    wasAskedByHand.store(false, ordering: .relaxed)
  }

  /// Handles SIGTERM, SIGUSR1, SIGINT and SIGHUP from now on. A request that came before stays.
  ///
  /// SIGXFSZ is ignored from now on, so that a file that may not grow (`ulimit -f`) is an error of writing.
  /// A SIGHUP that the process was started to ignore, by `nohup`, stays ignored. To be called first thing
  /// in a program: a signal that comes earlier ends it.
  public static func install() {
    // The flags are made here, so that the handler does nothing but exchange them.
    _ = isRequested
    _ = wasAskedByHand.load(ordering: .relaxed)
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGTERM, SIGUSR1, SIGINT, SIGHUP] {
      var present = sigaction()
      sigaction(number, nil, &present)
      if number == SIGHUP, isIgnored(present) { continue }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { Interruption.receive($0) }
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    // SIG_IGN is the address 1.
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// In a signal's handler: nothing but atomics and calls that are safe there.
  private static func receive(_ number: Int32) {
    let isByHand = number == SIGINT || number == SIGHUP
    if isByHand, wasAskedByHand.exchange(true, ordering: .relaxed) {
      signal(number, SIG_DFL)
      raise(number)
    }
    request()
  }
}

extension Collective {
  /// Whether any rank was asked to stop, the same on all ranks. Called by all ranks.
  public func isInterrupted(
    _ mine: Bool = Interruption.isRequested
  ) throws -> Bool {
    size == 1 ? mine : try allgather(UInt8(mine ? 1 : 0)).contains(1)
  }

  /// Throws ``InterruptedError`` on all ranks where any was asked to stop. Called by all ranks, where
  /// nothing has been done yet that would have to be saved.
  public func endIfInterrupted() throws {
    if try isInterrupted() { throw InterruptedError() }
  }
}

/// The run was asked to stop before its first step.
public struct InterruptedError: Error, Equatable, CustomStringConvertible {
  /// The error; it has no parts.
  public init() {}
  public var description: String { "asked to stop before the first step; start it again" }
}
