import Synchronization
import LockstepPlatform

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
  package static func clear() {
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
      if number == SIGHUP, startedWithoutHangUp {
        signal(SIGHUP, SIG_IGN)
        continue
      }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { Interruption.receive($0) }
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  /// Whether the process was started to ignore SIGHUP. Asked before libraries of MPI (UCX) handle it.
  private static let startedWithoutHangUp: Bool = {
    var present = sigaction()
    sigaction(SIGHUP, nil, &present)
    // SIG_IGN is the address 1.
    return unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
  }()

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
