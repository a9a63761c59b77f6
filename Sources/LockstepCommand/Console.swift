import LockstepFiles
import LockstepPlatform

/// Standard output and error, written at once: a launcher passes on what it has when a job is ended.
///
/// A write that fails is remembered, and the command ends with ``failure`` (code 1) where it would
/// have ended well: what it had to say was lost. Where nobody reads standard output any more, a
/// command ends at once and without a word, as `cat` does; one that has more to do than to print sets
/// ``outlivesReader`` and goes on in silence.
///
/// Only the main thread uses it.
enum Console {
  // Unsafe: the process's first thread alone writes to standard output, and sets these.

  /// Whether the command goes on when nobody reads its output any more.
  nonisolated(unsafe) static var outlivesReader = false

  /// Why standard output could not be written, if it could not.
  nonisolated(unsafe) private(set) static var failure: ConsoleError?

  /// Whether nobody reads standard output any more.
  nonisolated(unsafe) private static var isClosed = false

  /// Makes writing to what nobody reads an error instead of the process's end, and makes sure that the
  /// numbers of the standard descriptors never stand for a file of ours.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given. Writing there fails, and is told.
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// Asks for a line; nil where standard input is no terminal, or has ended.
  static func ask(_ question: String) -> String? {
    guard getenv("OMPI_COMM_WORLD_RANK") == nil, isatty(STDIN_FILENO) == 1,
      isatty(STDOUT_FILENO) == 1
    else { return nil }
    text("\(question) ")
    return readLine().map { String($0.drop { $0 == " " }) }
  }

  /// Prints a line, or several; control characters are escaped, which names from files may have.
  static func line(_ text: some CustomStringConvertible) {
    self.text("\(text)".printableLines + "\n")
  }

  /// Prints text as it is.
  static func text(_ text: String) {
    guard failure == nil, !isClosed else { return }
    switch send(text, STDOUT_FILENO) {
    case 0: break
    case EPIPE:
      isClosed = true
      guard !outlivesReader else { return }
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    case let code: failure = ConsoleError(code: code)
    }
  }

  /// Prints text, and throws where it could not be: for a command that prints much.
  static func print(_ text: String) throws(ConsoleError) {
    self.text(text)
    if let failure { throw failure }
  }

  /// Prints what a user should know and what keeps nothing from going on: on standard error, so that
  /// the command's own output stays what programs read. Rank 0 alone calls it.
  static func notice(_ text: String) {
    _ = send("notice: \(text.printableLines)\n", STDERR_FILENO)
  }

  /// Prints an error the way every command does.
  static func error(_ error: any Error) {
    _ = send("lockstep: \("\(error)".printableLines)\n", STDERR_FILENO)
  }

  /// Writes all of a text; returns 0, or the code of the error that ended it.
  private static func send(_ text: String, _ descriptor: Int32) -> Int32 {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      if count >= 0 {
        done += count
      } else if errno == EAGAIN {
        // Somebody else has made the terminal or pipe one that does not wait.
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&state, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}

/// Standard output could not be written.
struct ConsoleError: Error, Equatable, CustomStringConvertible {
  /// The system's number.
  let code: Int32

  var description: String { "standard output: write: \(String(cString: strerror(code)))" }
}
