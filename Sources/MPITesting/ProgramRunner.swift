import LockstepPlatform

/// Runs a program with a deadline and captures what it writes.
///
/// The program gets a process group of its own; at the deadline, or when the caller cancels, it is
/// asked to end, and after a grace period its group and all that it has started are killed. Nothing else
/// is touched.
public enum ProgramRunner {
  /// Why a program could not be run at all.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - program: its path, or its name to be looked up in `PATH`.
  ///   - arguments: what follows the program's name.
  ///   - environment: changes to this process's environment; nil removes a variable.
  ///   - directory: the working directory, or nil for this process's.
  ///   - deadline: the time it may take.
  ///   - isCancelled: whether to end it now; asked every few milliseconds.
  public static func run(
    _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    directory: String? = nil, deadline: Duration = .seconds(60),
    isCancelled: () -> Bool = { false }
  ) throws -> ProgramResult {
    let output = try Pipe()
    let errorOutput = try Pipe()

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, errorOutput.write, STDERR_FILENO)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    posix_spawnattr_setpgroup(&attributes, 0)
    // Whatever this process blocks or ignores, the program starts afresh.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)

    // posix_spawn cannot change the directory portably; env can.
    let prefix = directory.map { ["env", "--chdir=\($0)"] } ?? []
    let commandLine = prefix + [program] + arguments
    let words = CStrings(commandLine)
    let variables = CStrings(merged(environment))
    var process: pid_t = 0
    let code = posix_spawnp(
      &process, commandLine[0], &actions, &attributes, words.pointers, variables.pointers)
    guard code == 0 else {
      throw Failure(description: "cannot run \(program): \(String(cString: strerror(code)))")
    }
    output.closeWrite()
    errorOutput.closeWrite()

    let clock = ContinuousClock()
    let start = clock.now
    let status = supervise(
      process, output, errorOutput, deadline: deadline, isCancelled: isCancelled)
    let took = start.duration(to: clock.now)
    return ProgramResult(
      ending: status, output: output.text, errorOutput: errorOutput.text,
      seconds: Double(took.components.seconds) + Double(took.components.attoseconds) * 1e-18)
  }

  /// Reads until the program has ended, or ends it.
  private static func supervise(
    _ process: pid_t, _ output: Pipe, _ errorOutput: Pipe, deadline: Duration,
    isCancelled: () -> Bool
  ) -> ProgramResult.Ending {
    let clock = ContinuousClock()
    let start = clock.now
    var supervision = Supervision(deadline: deadline)
    while true {
      output.drain(waitMilliseconds: 5)
      errorOutput.drain(waitMilliseconds: 0)
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process {
        output.drain(waitMilliseconds: 0)
        errorOutput.drain(waitMilliseconds: 0)
        if let reason = supervision.reason { return reason }
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
      }
      let elapsed = start.duration(to: clock.now)
      switch supervision.action(at: elapsed, isCancelled: isCancelled()) {
      case .wait: break
      case .ask: kill(process, SIGTERM)
      case .kill:
        // A launcher's ranks have groups of their own, and may be its children's children.
        for descendant in ProcessTable.descendants(of: process) { kill(descendant, SIGKILL) }
        kill(-process, SIGKILL)
      }
    }
  }

  private static func merged(_ changes: [String: String?]) -> [String] {
    var result: [String] = []
    var entry = environ
    while let variable = entry.pointee {
      let text = String(cString: variable)
      if changes[String(text.prefix { $0 != "=" })] == nil { result.append(text) }
      entry += 1
    }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
      if let value { result.append("\(name)=\(value)") }
    }
    return result
  }
}

/// A pipe whose reading end gathers text without blocking.
private final class Pipe {
  let read: Int32
  private(set) var write: Int32
  private var bytes: [UInt8] = []

  init() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw ProgramRunner.Failure(description: "no pipe: \(String(cString: strerror(errno)))")
    }
    read = ends[0]
    write = ends[1]
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(read, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(read)
    closeWrite()
  }

  func closeWrite() {
    if write >= 0 { close(write) }
    write = -1
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func drain(waitMilliseconds: Int32) {
    var request = pollfd(fd: read, events: Int16(POLLIN), revents: 0)
    poll(&request, 1, waitMilliseconds)
    // A closed pipe polls as ready at once: the wait would be a busy one.
    if request.revents & Int16(POLLIN) == 0, request.revents != 0, waitMilliseconds > 0 {
      usleep(UInt32(waitMilliseconds) * 1000)
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 14) { buffer in
      while true {
        let count = readBytes(read, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        bytes.append(contentsOf: buffer[..<count])
      }
    }
  }
}

/// The system's `read`, which a pipe's property of that name would hide.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(file, buffer, count)
}

/// A nil-terminated array of C strings.
private final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    pointers = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
    pointers[count] = nil
  }

  deinit {
    for index in 0..<count { free(pointers[index]) }
    pointers.deallocate()
  }
}
