import Lockstep
import LockstepFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One subcommand: its help, its options, what it does.
protocol Command {
  static var name: String { get }
  /// What stands behind the name in the usage line.
  static var usage: String { get }
  /// One line for the list of commands.
  static var summary: String { get }
  /// More for its own help.
  static var discussion: String { get }
  static var options: [OptionSpecification] { get }
  /// Does it; returns the exit code.
  static func run(_ arguments: Arguments) throws -> Int32
}

extension Command {
  static var discussion: String { "" }

  /// The text of `lockstep NAME --help`.
  static var help: String {
    var text = "usage: lockstep \(name) \(usage)\n\n\(summary)\n"
    if !discussion.isEmpty { text += "\n\(discussion)\n" }
    text += "\noptions:\n"
    let rows = (options + [.flag("--help", "show this help")]).map { option in
      (option.name + (option.value.map { " \($0)" } ?? ""), option.summary)
    }
    return text + table(rows)
  }
}

/// Two columns of text.
func table(_ rows: [(String, String)]) -> String {
  let width = (rows.map { $0.0.count }.max() ?? 0) + 2
  return rows.map { row in
    "  " + row.0 + String(repeating: " ", count: width - row.0.count) + row.1 + "\n"
  }.joined()
}

/// The program: finds the command, runs it, ends with its code.
enum Program {
  static let version = "0.2.0"

  static var commands: [any Command.Type] {
    [
      TrainCommand.self, EvaluateCommand.self, PredictCommand.self, ReportCommand.self,
      InspectCommand.self, SuggestClipCommand.self, SweepCommand.self, VerifyCommand.self,
      CatalogCommand.self, SchemaCommand.self, PlanCommand.self,
      BenchmarkCommand.self, DoctorCommand.self,
    ]
  }

  static var help: String {
    """
    usage: lockstep COMMAND [ARGUMENTS]

    Trains neural networks with many processes that stay in step. Start it alone, or on several
    ranks: mpirun -n 4 lockstep train CONFIG.json

    commands:

    """ + table(commands.map { ($0.name, $0.summary) })
      + "\noptions:\n"
      + table([
        ("--help", "show this help, or a command's, as lockstep help COMMAND does"),
        ("--version", "show the versions"),
      ])
  }

  /// How many seconds ranks that do not speak give rank 0 to speak, and the launcher to end them.
  private static let silentPatience: UInt32 = 10

  /// Runs the command that the command line names.
  static func run() -> Never {
    do {
      let code = try dispatch(Array(try CommandLine.words().dropFirst()))
      if code == ExitCode.done, let failure = Console.failure { throw failure }
      exit(code)
    } catch {
      // Before MPI runs all ranks find the same; one of them speaks. A launcher ends the job when the
      // first rank fails, so the others wait for that, or rank 0 might be ended before it has spoken.
      if LauncherRank.isRoot { Console.error(error) } else { sleep(silentPatience) }
      exit(ExitCode.of(error))
    }
  }

  private static func dispatch(_ arguments: [String]) throws -> Int32 {
    guard let first = arguments.first else {
      throw ArgumentError(description: "a command is missing; see lockstep --help")
    }
    switch first {
    case "--help", "-h", "help":
      let text =
        try arguments.count > 1 && first == "help" ? command(named: arguments[1]).help : help
      if LauncherRank.isRoot { Console.text(text) }
      return 0
    case "--version":
      if LauncherRank.isRoot { Console.line(versionText) }
      return 0
    default: break
    }
    let command = try command(named: first)
    let rest = Array(arguments.dropFirst())
    if rest.contains("--help") || rest.contains("-h") {
      if LauncherRank.isRoot { Console.text(command.help) }
      return 0
    }
    return try command.run(try Arguments(rest, options: command.options))
  }

  /// The command of a name.
  private static func command(named name: String) throws -> any Command.Type {
    if let command = commands.first(where: { $0.name == name }) { return command }
    let hint = NearestName.find(name, among: commands.map { $0.name })
    throw ArgumentError(
      description: "unknown command '\(name)'"
        + (hint.map { "; did you mean '\($0)'?" } ?? "; see lockstep --help"))
  }

  static var versionText: String {
    "lockstep \(version) (oneDNN \(ComputeLibrary.version), \(InstructionSet.detected.name))"
  }
}

extension CommandLine {
  /// The words of the command line, the program's name first.
  ///
  /// - Throws: ``ArgumentError`` for a word that is not UTF-8. Swift's own list repairs it, and a name
  ///   of a file would become another's.
  static func words() throws -> [String] {
    try (0..<Int(argc)).map { index in
      guard let start = unsafeArgv[index] else { return "" }
      let bytes = UnsafeRawBufferPointer(start: start, count: strlen(start))
      guard let word = String(validating: bytes, as: UTF8.self) else {
        let shown = bytes.map { byte in
          (0x20..<0x7f).contains(byte)
            ? String(Unicode.Scalar(byte))
            : "\\x" + String(byte >> 4, radix: 16)
              + String(byte & 15, radix: 16)
        }.joined()
        throw ArgumentError(
          description:
            "argument \(index), '\(shown)', is not UTF-8; give files and directories names "
            + "in UTF-8")
      }
      return word
    }
  }
}

/// The number of this process among those that a launcher started, before MPI runs.
enum LauncherRank {
  /// Whether an MPI launcher started this process. The script of a Slurm job has a number too, and
  /// was started by none.
  static var isLaunched: Bool {
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"].contains { (name: String) in
      getenv(name) != nil
    }
  }

  /// Whether this process is the first one, or alone.
  static var isRoot: Bool {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"] {
      if let text = getenv(name), let rank = Int(String(cString: text)) { return rank == 0 }
    }
    return true
  }
}
