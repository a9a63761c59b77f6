#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output and error, written at once: a launcher passes on what it has when a job is ended.
enum Console {
  /// Whether standard output is a terminal. Open MPI's launcher gives every rank one, whatever its own
  /// output is, so that under it the answer is no.
  static var isTerminal: Bool {
    getenv("OMPI_COMM_WORLD_RANK") == nil && isatty(STDOUT_FILENO) == 1
  }

  /// Prints a line.
  static func line(_ text: some CustomStringConvertible) { send("\(text)\n", STDOUT_FILENO) }

  /// Prints what a user should know and what keeps nothing from going on. Rank 0 alone calls it.
  static func notice(_ text: String) { line("notice: \(text)") }

  /// Prints text as it is.
  static func text(_ text: String) { send(text, STDOUT_FILENO) }

  /// Prints an error the way every command does.
  static func error(_ error: any Error) { send("lockstep: \(error)\n", STDERR_FILENO) }

  private static func send(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      // Whoever closed the other end does not want to read on.
      if count < 0, errno != EINTR { return }
      done += max(count, 0)
    }
  }
}
