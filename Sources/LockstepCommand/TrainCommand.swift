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
    ] + ProfileRequest.options + [
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
    let pinned = try InstructionSet.named(arguments.value("--isa"))
    let profile = try ProfileRequest(arguments)
    _ = try arguments.overrides()
    // A run does not end because nobody reads along any more.
    Console.outlivesReader = true
    Interruption.install()
    return try Job.run { world in
      let named = try NamedConfiguration(path, arguments, on: world)
      // Before anything is planned: ranks of different processors use what all of them have.
      let isa = try InstructionSet.agree(on: world, pinned: pinned)
      let collective = try Job.ranks(world, for: named.configuration)
      return try train(named, arguments, isa, profile, on: collective)
    }
  }

  private static func train(
    _ named: NamedConfiguration, _ arguments: Arguments, _ isa: InstructionSet,
    _ profile: ProfileRequest?, on collective: MPICollective
  ) throws -> Int32 {
    let configuration = named.configuration
    let data = try collective.together { try configuration.data.load() }
    let configured = try ConfiguredRun(configuration, data: data, on: collective)
    try loadInitialWeights(configured, arguments, on: collective)
    if arguments.has("--dry-run") {
      if collective.isRoot { Console.text(DryRun(configured, on: collective).text) }
      return ExitCode.done
    }

    try profile?.check(on: collective)
    var directory: RunDirectory?
    if arguments.value("--run-directory") != "none" {
      directory = try RunDirectory.open(
        try directoryPath(named, arguments, on: collective), resume: arguments.has("--resume"),
        configuration: configuration.resolved, keep: configuration.keptCheckpoints, on: collective)
    }
    let watchdog = collective.page.map {
      Watchdog(
        $0, Watchdog.Patience(deadline: configuration.watchdogSeconds),
        outcomeFile: directory?.outcomePath,
        fileSystem: directory?.fileSystem ?? SystemFileSystem())
    }
    defer { watchdog?.stop() }
    let progress = ProgressReporter(
      configured, directory: directory?.path, quiet: arguments.has("--quiet"))
    if collective.isRoot { progress.start(ranks: collective.size, link: collective.link) }
    let trainer = try configured.trainer(
      directory: directory, agreement: try agreement(isa),
      listener: { event in
        // The fingerprint is the last line.
        if case .ended = event { return }
        progress.hear(event)
      })
    let timeline = profile?.start(configured, on: collective)
    let outcome = try trainer.run(resume: arguments.has("--resume"))
    if outcome.kind == .done, let average = configured.average {
      try average.run {
        try collective.onRoot {
          guard let directory else { return }
          try Weights(of: configured.source).write(
            "\(directory.path)/average.safetensors", metadata: ["format": "pt"],
            fileSystem: directory.fileSystem)
        }
      }
    }
    if let profile, let timeline {
      try profile.finish(timeline, quiet: arguments.has("--quiet"), on: collective)
    }
    if collective.isRoot { progress.hear(.ended(outcome)) }
    return outcome.exitCode
  }

  /// Reads the weights to start from on rank 0; training gives them to all.
  private static func loadInitialWeights(
    _ run: ConfiguredRun, _ arguments: Arguments, on collective: any Collective
  ) throws {
    let given = run.configuration.initialWeights
    guard let file = arguments.value("--initial-weights") ?? given?.file else { return }
    try collective.onRoot {
      let report = try Weights(of: run.source).load(
        file, names: try given?.names ?? NameMap(), given?.loading ?? .strict)
      for line in report.lines { Console.line("initial weights: \(line)") }
    }
  }

  /// What all ranks must have the same of, beside configuration, model and data.
  private static func agreement(_ isa: InstructionSet) throws -> Handshake {
    var agreement = Handshake()
    agreement.add("the command line", CommandLine.arguments.dropFirst().joined(separator: "\0"))
    try agreement.addProgramAndLibraries()
    agreement.addMPI()
    agreement.add("the instruction set", isa.name)
    return agreement
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
  /// The set that a user asked for; nil where none was.
  static func named(_ name: String?) throws -> InstructionSet? {
    guard let name else { return nil }
    guard let set = InstructionSet(name: name) else {
      let known = InstructionSet.allCases.map(\.name)
      let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      throw ArgumentError(
        description: "'--isa' must be one of \(known.joined(separator: ", ")); found '\(name)'"
          + hint)
    }
    return set
  }
}
