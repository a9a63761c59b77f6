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

    Exit codes: 0 done, 2 the input is wrong, 75 interrupted (SIGTERM, SIGUSR1, the first Ctrl-C) and
    resumable, 1 anything else. Under mpirun, kill -USR1 of mpirun stops with a checkpoint; SIGTERM and
    Ctrl-C leave the ranks a second, unless OMPI_MCA_odls_base_sigkill_timeout was set for mpirun.
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
    Interruption.install()
    let path = try arguments.single("the configuration's path")
    if arguments.has("--resume") {
      guard let directory = arguments.value("--run-directory"), directory != "none" else {
        throw ArgumentError(description: "'--resume' needs '--run-directory DIR'")
      }
    }
    try RunPreparation.check(arguments)
    let profile = try ProfileRequest(arguments)
    let patience = NamedConfiguration.foreseenPatience(path, arguments)
    // A run does not end because nobody reads along any more.
    Console.outlivesReader = true
    return try Job.run(patience: patience) { world in
      // The library may have put handlers of its own in the place.
      Interruption.install()
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
    let data: DataConfiguration.Parts
    let configured: ConfiguredRun
    var directory: RunDirectory?
    func openDirectory() throws {
      if arguments.value("--run-directory") == "none" { return }
      directory = try RunDirectory.open(
        try directoryPath(preparation.named, arguments, on: collective),
        resume: arguments.has("--resume"), configuration: configuration.resolved,
        keep: configuration.keptCheckpoints, on: collective)
    }
    do {
      try collective.endIfInterrupted()
      data = try preparation.data(of: configuration)
      if collective.isRoot { for notice in data.notices { Console.notice(notice) } }
      try collective.endIfInterrupted()
      configured = try preparation.run(
        configuration, data, on: collective, goesOn: try goesOn(arguments, on: collective))
      try collective.endIfInterrupted()
    } catch let error as InterruptedError {
      // Nothing is lost, and whoever started the run is to know.
      if !arguments.has("--dry-run") {
        try openDirectory()
        try collective.onRoot { try directory?.writeInterruptedAtStart() }
      }
      throw error
    }
    if arguments.has("--dry-run") {
      if collective.isRoot { Console.text(DryRun(configured, on: collective).text) }
      return ExitCode.done
    }

    try profile?.check(on: collective)
    try openDirectory()
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
    let timeline = try profile?.start(configured, on: collective)
    let outcome: Outcome
    do {
      outcome = try trainer.run(resume: arguments.has("--resume"))
      if outcome.kind == .done, let average = configured.average {
        try average.run {
          try collective.onRoot {
            try writeAverage(
              configured, data.record.description, to: directory, after: outcome)
          }
        }
      }
    } catch let error as FileError where error.isWriting {
      throw WritingFailure(error: error)
    }
    if let profile, let timeline {
      try profile.finish(timeline, quiet: arguments.has("--quiet"), on: collective)
    }
    if collective.isRoot { progress.hear(.ended(outcome)) }
    return outcome.exitCode
  }

  /// Writes the average of the weights; a run whose average cannot be written has failed.
  private static func writeAverage(
    _ run: ConfiguredRun, _ data: DataDescription, to directory: RunDirectory?,
    after outcome: Outcome
  ) throws {
    guard let directory else { return }
    do {
      try Weights(of: run.source).write(
        "\(directory.path)/average.safetensors",
        metadata: ["format": "pt", DataDescription.metadataKey: data.json.compactText],
        fileSystem: directory.fileSystem)
    } catch {
      try? directory.write(Outcome(.failed, step: outcome.step, message: "\(error)"))
      throw error
    }
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
