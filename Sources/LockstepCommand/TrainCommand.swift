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
    RunPreparation.options + [
      .option(
        "--run-directory", "DIR",
        "where to leave files (default: runs/CONFIG-DATE; 'none' leaves no files)"),
      .flag("--resume", "go on from the run directory's newest sound checkpoint, if there is one"),
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
    try RunPreparation.check(arguments)
    let profile = try ProfileRequest(arguments)
    Interruption.install()
    return try Job.run { world in
      let preparation = try RunPreparation(path, arguments, on: world)
      let collective = try preparation.ranks(for: preparation.named.configuration)
      return try train(preparation, arguments, profile, on: collective)
    }
  }

  private static func train(
    _ preparation: RunPreparation, _ arguments: Arguments, _ profile: ProfileRequest?,
    on collective: MPICollective
  ) throws -> Int32 {
    let configuration = preparation.named.configuration
    let data = try preparation.data(of: configuration)
    if collective.isRoot { for notice in data.notices { Console.notice(notice) } }
    let configured = try preparation.run(
      configuration, data, on: collective, goesOn: try goesOn(arguments, on: collective))
    if arguments.has("--dry-run") {
      if collective.isRoot { Console.text(DryRun(configured, on: collective).text) }
      return ExitCode.done
    }

    try profile?.check(on: collective)
    var directory: RunDirectory?
    if arguments.value("--run-directory") != "none" {
      directory = try RunDirectory.open(
        try directoryPath(preparation.named, arguments, on: collective),
        resume: arguments.has("--resume"), configuration: configuration.resolved,
        keep: configuration.keptCheckpoints, on: collective)
    }
    let watchdog = collective.page.map {
      Watchdog(
        $0, Watchdog.Patience(deadline: configuration.watchdogSeconds),
        outcomeFile: directory?.outcomePath)
    }
    defer { watchdog?.stop() }
    let progress = ProgressReporter(
      configured, directory: directory?.path, quiet: arguments.has("--quiet"))
    if collective.isRoot { progress.start(ranks: collective.size, link: collective.link) }
    let trainer = try configured.trainer(
      directory: directory, agreement: try preparation.agreement(),
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
          guard let path = directory?.path else { return }
          try Weights(of: configured.source).write(
            "\(path)/average.safetensors",
            metadata: [
              "format": "pt",
              DataDescription.metadataKey: data.record.description.json.compactText,
            ])
        }
      }
    }
    if let profile, let timeline {
      try profile.finish(timeline, quiet: arguments.has("--quiet"), on: collective)
    }
    if collective.isRoot { progress.hear(.ended(outcome)) }
    return outcome.exitCode
  }

  /// Whether the run goes on from a checkpoint: one that is there and damaged ends it. Called by all
  /// ranks.
  private static func goesOn(_ arguments: Arguments, on collective: any Collective) throws -> Bool {
    guard arguments.has("--resume"), let directory = arguments.value("--run-directory") else {
      return false
    }
    return try collective.fromRoot {
      let store = CheckpointStore("\(directory)/checkpoints")
      guard FileKind(store.directory) == .directory else { return [0] }
      return try store.steps().isEmpty ? [0] : [1]
    } == [1]
  }

  /// The directory that the user named, or a new one under `runs`, named by rank 0's clock. No other
  /// job gets the same one.
  private static func directoryPath(
    _ named: NamedConfiguration, _ arguments: Arguments, on collective: any Collective
  ) throws -> String {
    if let given = arguments.value("--run-directory") { return given }
    let path = try collective.fromRoot {
      var now = time(nil)
      var local = tm()
      localtime_r(&now, &local)
      var text = [CChar](repeating: 0, count: 32)
      let count = strftime(&text, text.count, "%Y%m%d-%H%M%S", &local)
      let date = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return Array(try SystemFileSystem().createNewDirectory("runs/\(named.stem)-\(date)").utf8)
    }
    return String(decoding: path, as: UTF8.self)
  }
}
