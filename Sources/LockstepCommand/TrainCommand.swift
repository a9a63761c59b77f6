import Lockstep
import LockstepConfiguration
import LockstepFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `lockstep train`: a run from its configuration to its final weights.
enum TrainCommand: Command {
  static let name = "train"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "train a model as a configuration says"
  static let discussion = """
    A run directory holds config.json, metrics.jsonl (a line a step), evaluations.jsonl, checkpoints/,
    outcome.json and at the end weights.safetensors. The last line printed is the fingerprint of the
    final weights: it does not depend on the number of ranks or threads, nor on interruptions.

    Exit codes: 0 done, 2 the input is wrong, 75 interrupted (SIGTERM, SIGUSR1) and resumable,
    1 anything else.
    """
  static let options =
    NamedConfiguration.options + [
      .option(
        "--run-directory", "DIR",
        "where to leave files (default: runs/CONFIG-DATE; 'none' leaves no files)"),
      .flag("--resume", "go on from the run directory's newest sound checkpoint, if there is one"),
      .option("--initial-weights", "FILE", "start from the weights of a safetensors file"),
      .option("--isa", "SET", "use at most baseline, avx2 or avx512"),
      .flag("--dry-run", "print what would be done, and how ranks share it"),
      .flag("--quiet", "print the fingerprint alone"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("the configuration's path")
    if arguments.has("--resume") {
      guard let directory = arguments.value("--run-directory"), directory != "none" else {
        throw ArgumentError(description: "'--resume' needs '--run-directory DIR'")
      }
    }
    let isa = try InstructionSet.named(arguments.value("--isa"))
    _ = try arguments.overrides()
    Interruption.install()
    return try Job.run { collective in
      try train(path, arguments, isa, on: collective)
    }
  }

  private static func train(
    _ path: String, _ arguments: Arguments, _ isa: InstructionSet, on collective: MPICollective
  ) throws -> Int32 {
    let named = try NamedConfiguration(path, arguments, on: collective)
    let configuration = named.configuration
    let data = try collective.together { try configuration.data.load() }
    let configured = try ConfiguredRun(configuration, data: data, isa: isa, on: collective)
    if let file = arguments.value("--initial-weights") {
      try collective.onRoot { try Weights(of: configured.source).read(file) }
    }
    if arguments.has("--dry-run") {
      if collective.isRoot { Console.text(DryRun(configured).text) }
      return ExitCode.done
    }

    var directory: RunDirectory?
    if arguments.value("--run-directory") != "none" {
      directory = try RunDirectory.open(
        try directoryPath(named, arguments, on: collective), resume: arguments.has("--resume"),
        configuration: configuration.resolved, keep: configuration.keptCheckpoints, on: collective)
    }
    var agreement = Handshake()
    agreement.add("the command line", CommandLine.arguments.dropFirst().joined(separator: "\0"))
    agreement.add("the program's version", Program.versionText)
    let progress = ProgressReporter(
      configured, directory: directory?.path, quiet: arguments.has("--quiet"))
    if collective.isRoot { progress.start(ranks: collective.size) }
    let trainer = try configured.trainer(
      directory: directory, agreement: agreement, listener: progress.hear)
    let outcome = try trainer.run(resume: arguments.has("--resume"))
    return outcome.exitCode
  }

  /// The directory that the user named, or a new one under `runs`, named by rank 0's clock.
  private static func directoryPath(
    _ named: NamedConfiguration, _ arguments: Arguments, on collective: any Collective
  ) throws -> String {
    if let given = arguments.value("--run-directory") { return given }
    let name = try collective.fromRoot {
      var now = time(nil)
      var local = tm()
      localtime_r(&now, &local)
      var text = [CChar](repeating: 0, count: 32)
      let count = strftime(&text, text.count, "%Y%m%d-%H%M%S", &local)
      return text[..<count].map { UInt8(bitPattern: $0) }
    }
    return "runs/\(named.stem)-\(String(decoding: name, as: UTF8.self))"
  }
}

extension InstructionSet {
  /// The set that a user asked for, or the best one at hand.
  static func named(_ name: String?) throws -> InstructionSet {
    guard let name else { return .detected }
    guard let set = InstructionSet(name: name) else {
      let known = InstructionSet.allCases.map(\.name)
      let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw ArgumentError(
        description: "'--isa' must be one of \(known.joined(separator: ", ")); found '\(name)'"
          + hint)
    }
    guard set <= .detected else {
      throw ArgumentError(
        description: "'--isa' is \(name), and this processor has \(InstructionSet.detected.name)")
    }
    return set
  }
}
