import Lockstep
import LockstepFiles
import LockstepPlatform

/// The program: finds the command, runs it, ends with its code.
enum Program {
  static let version = "0.2.0"
  /// When that version was released.
  static let released = "November 29, 2026"

  static var commands: [any Command.Type] {
    [
      InitCommand.self, TrainCommand.self, EvaluateCommand.self, PredictCommand.self,
      GenerateCommand.self, ExportCommand.self, ReportCommand.self, WatchCommand.self,
      InspectCommand.self, SuggestClipCommand.self, SweepCommand.self, CrossValidateCommand.self,
      FindRateCommand.self, FindBatchSizeCommand.self, VerifyCommand.self,
      CatalogCommand.self, SchemaCommand.self, PlanCommand.self,
      BenchmarkCommand.self, DoctorCommand.self, CompletionCommand.self, ManualCommand.self,
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
