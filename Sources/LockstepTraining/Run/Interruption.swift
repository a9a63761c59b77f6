import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The request to stop that a batch system sends: SIGTERM, or SIGUSR1 ahead of a preemption.
///
/// The handler only sets a flag; the trainer reads it before each step, the ranks agree on it with
/// the step's numbers, and all of them save and end after the same step.
public enum Interruption {
  private static let flag = Atomic<Bool>(false)

  /// Whether a signal came or ``request()`` was called.
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Asks for a stop, as a signal does.
  public static func request() { flag.store(true, ordering: .relaxed) }

  /// Takes the request back.
  public static func clear() { flag.store(false, ordering: .relaxed) }

  /// Handles SIGTERM and SIGUSR1, or other signals, from now on.
  public static func install(_ signals: [Int32] = [SIGTERM, SIGUSR1]) {
    // The flag is made here, so that the handler does nothing but store.
    clear()
    for signal in signals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in Interruption.request() }
      action.sa_flags = SA_RESTART
      sigaction(signal, &action, nil)
    }
  }
}
