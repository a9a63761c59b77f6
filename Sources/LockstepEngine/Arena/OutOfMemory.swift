import Synchronization
import LockstepPlatform

/// What becomes of a process that the system gives no memory.
///
/// Memory is asked for in many places that nobody could go on from, so that nothing is thrown: the
/// process says how much it asked for and ends with code 1.
package enum OutOfMemory {
  private static let handler = Mutex<(@Sendable (String) -> Void)?>(nil)

  /// Hears the message before the process ends, to leave word of it.
  package static func onEnd(_ body: (@Sendable (String) -> Void)?) {
    handler.withLock { $0 = body }
  }

  /// Ends the process.
  package static func end(bytes: Int) -> Never {
    let message =
      "out of memory: the system refuses \(bytes) bytes; take a smaller model or batch, fewer ranks "
      + "or threads, or raise the limit (ulimit -v)"
    let line = Array("lockstep: \(message)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    handler.withLock { $0 }?(message)
    _exit(1)
  }
}
