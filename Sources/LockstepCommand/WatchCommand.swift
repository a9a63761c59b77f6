import Lockstep
import LockstepFiles
import LockstepPlatform
import LockstepReports

/// `lockstep watch`: a run while it lasts, from anywhere that sees its files.
enum WatchCommand: Command {
  static let name = "watch"
  static let usage = "RUN-DIRECTORY [OPTIONS]"
  static let summary = "show a run on the terminal while it lasts"
  static let discussion = """
    Follows the files of a run directory, also of a run on another node that a shared file system shows,
    and changes nothing there. Ends with the run; q and Ctrl-C leave before. Where its output is no
    terminal it prints a line now and then.

    example: lockstep watch runs/digits-mlp-20260101-120000
    """
  static let options: [OptionSpecification] = [
    .flag("--once", "print how the run is on one line, and end"),
    .option("--every", "SECONDS", "how long to wait between two looks (default: 1)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let directory = try arguments.single("a run directory")
    let seconds = try interval(arguments)
    guard LauncherRank.isRoot else { return ExitCode.done }
    let run = try RunFollower(directory)
    if arguments.has("--once") {
      Console.line(screen(run).line)
      return ExitCode.done
    }
    Interruption.install()
    if Terminal.columns != nil, isatty(STDOUT_FILENO) == 1 {
      try ScreenLoop(seconds: seconds).run { size in
        try run.refresh()
        let screen = screen(run)
        return (screen.lines(width: size.columns, height: size.lines), screen.isOver)
      }
      Console.line(screen(run).line)
    } else {
      try followInLines(run, seconds)
    }
    return ExitCode.done
  }

  private static func interval(_ arguments: Arguments) throws -> Double {
    guard let text = arguments.value("--every") else { return 1 }
    guard let seconds = Double(text), seconds >= 0.05, seconds <= 3600 else {
      throw ArgumentError(
        description: "'--every' must be a number of seconds from 0.05 to 3600; found '\(text)'")
    }
    return seconds
  }

  /// A line where something is new, until the run ends.
  private static func followInLines(_ run: RunFollower, _ seconds: Double) throws {
    var shown: String?
    while !Interruption.isRequested {
      let now = screen(run)
      if now.line != shown { Console.line(now.line) }
      shown = now.line
      if now.isOver { return }
      usleep(UInt32(seconds * 1e6))
      try run.refresh()
    }
  }

  private static func screen(_ run: RunFollower) -> WatchScreen {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WatchScreen(
      run, name: lastName(of: run.directory).printable,
      look: .init(isUnicode: Terminal.isUnicode, hasColor: Terminal.hasColor),
      now: Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec))
  }
}

/// The whole terminal, drawn again and again; left as it was found.
private struct ScreenLoop {
  let seconds: Double

  /// Draws what `body` gives for the terminal's size, until it says that this was the last time, or the user
  /// leaves.
  func run(
    _ body: ((columns: Int, lines: Int)) throws -> (lines: [String], isLast: Bool)
  ) throws {
    var before = termios()
    let hasKeys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0
    if hasKeys {
      var raw = before
      raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
      tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    }
    // The other screen, without a cursor.
    Console.text("\u{1B}[?1049h\u{1B}[?25l")
    defer {
      Console.text("\u{1B}[?25h\u{1B}[?1049l")
      if hasKeys { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
    }
    while !Interruption.isRequested {
      let size = Terminal.size(of: STDOUT_FILENO) ?? (80, 24)
      let (lines, isLast) = try body(size)
      // Written over what is there, so that nothing flickers.
      Console.text(
        "\u{1B}[H" + lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
      if isLast || leaves(hasKeys) { return }
    }
  }

  /// Waits for the next look; returns whether the user asked to leave meanwhile.
  private func leaves(_ hasKeys: Bool) -> Bool {
    guard hasKeys else {
      usleep(UInt32(seconds * 1e6))
      return false
    }
    var state = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&state, 1, Int32(seconds * 1e3)) > 0 else { return false }
    var key: UInt8 = 0
    let count = read(STDIN_FILENO, &key, 1)
    return count <= 0 || key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") || key == 0x1B
  }
}
