import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepONNX
import LockstepPlatform
import LockstepReports

/// `lockstep train`: a run from its configuration to its final weights.
enum TrainCommand: Command {
  static let name = "train"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "train a model as a configuration says"
  static let discussion = """
    A run directory holds config.json, metrics.jsonl (a line a step), norms.jsonl, evaluations.jsonl,
    checkpoints/, outcome.json and at the end weights.safetensors and evaluation.json. The last line printed is the fingerprint of the
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
    let (run, goesOn) = try prepare(preparation, arguments, on: collective)
    if arguments.has("--dry-run") {
      if collective.isRoot { try Console.text(DryRun(run, on: collective).text) }
      return ExitCode.done
    }
    try profile?.check(reading: preparation.named.files, on: collective)
    let directory = try openDirectory(preparation, arguments, on: collective)
    do {
      if let model = preparation.named.configuration.model as? ImportedModel {
        try collective.onRoot {
          if let directory { try model.keep(in: directory.path, fileSystem: directory.fileSystem) }
        }
      }
      return try train(
        run, in: directory, goesOn: goesOn, try preparation.agreement(), arguments, profile,
        on: collective)
    } catch {
      // Whatever ends it before the trainer is in charge; after that nothing is changed here.
      directory?.outcome.settle(Outcome(.failed, step: 0, message: "\(error)"))
      if let error = error as? FileError, error.isWriting { throw WritingFailure(error: error) }
      throw error
    }
  }

  /// Loads the data and puts the run together. A request to stop that comes meanwhile ends the run with
  /// a word in its directory.
  private static func prepare(
    _ preparation: RunPreparation, _ arguments: Arguments, on collective: MPICollective
  ) throws -> (ConfiguredRun, goesOn: Bool) {
    do {
      try collective.endIfInterrupted()
      let configuration = preparation.named.configuration
      let data = try preparation.data(of: configuration)
      if collective.isRoot { for notice in data.notices { Console.notice(notice) } }
      try collective.endIfInterrupted()
      let goesOn = try goesOn(arguments, on: collective)
      let run = try preparation.run(configuration, data, on: collective, goesOn: goesOn)
      try collective.endIfInterrupted()
      return (run, goesOn)
    } catch let error as InterruptedError {
      // Nothing is lost, and whoever started the run is to know.
      if !arguments.has("--dry-run") {
        let directory = try openDirectory(preparation, arguments, on: collective)
        try collective.onRoot { try directory?.writeInterruptedAtStart() }
      }
      throw error
    }
  }

  private static func openDirectory(
    _ preparation: RunPreparation, _ arguments: Arguments, on collective: MPICollective
  ) throws -> RunDirectory? {
    if arguments.value("--run-directory") == "none" { return nil }
    let configuration = preparation.named.configuration
    return try RunDirectory.open(
      try directoryPath(preparation.named, arguments, on: collective),
      resume: arguments.has("--resume"), configuration: configuration.resolved,
      keep: configuration.keptCheckpoints, on: collective)
  }

  private static func train(
    _ run: ConfiguredRun, in directory: RunDirectory?, goesOn: Bool, _ agreement: Handshake,
    _ arguments: Arguments, _ profile: ProfileRequest?, on collective: MPICollective
  ) throws -> Int32 {
    let progress = ProgressReporter(
      run, directory: directory?.path, quiet: arguments.has("--quiet"))
    // A run that goes on may be refused still, and has not begun before it says that it was resumed.
    if collective.isRoot, !goesOn { progress.start(ranks: collective.size, link: collective.link) }
    let tensorBoard =
      run.configuration.writesTensorBoard ? TensorBoardLog(run, directory: directory?.path) : nil
    let trainer = try run.trainer(
      directory: directory, agreement: agreement,
      listener: { event in
        // The fingerprint is the last line.
        if case .ended = event { return }
        try tensorBoard?.hear(event)
        progress.start(ranks: collective.size, link: collective.link)
        progress.hear(event)
      })
    if let tensorBoard { trainer.observers.append(tensorBoard) }
    let timeline = try profile?.start(run, on: collective)
    let outcome = try trainer.run(resume: arguments.has("--resume"))
    if outcome.kind == .done, let average = run.average {
      try average.run {
        try collective.onRoot {
          try writeAverage(run, run.data.record.description, to: directory, after: outcome)
        }
        try writeEvaluation(run, to: directory, tensorBoard, after: outcome, on: collective)
      }
    } else if outcome.kind == .done {
      try writeEvaluation(run, to: directory, tensorBoard, after: outcome, on: collective)
    }
    if let profile, let timeline {
      try profile.finish(
        timeline, in: directory, quiet: arguments.has("--quiet"), on: collective)
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
      let weights = Weights(of: run.source)
      try weights.write(
        "\(directory.path)/\(WeightsFile.averageName)",
        metadata: [
          "format": "pt", WeightsFile.fingerprintKey: weights.fingerprint().description,
          WeightsFile.stepKey: "\(outcome.step)",
          DataDescription.metadataKey: data.json.compactText,
        ],
        fileSystem: directory.fileSystem)
    } catch {
      try? directory.write(Outcome(.failed, step: outcome.step, message: "\(error)"))
      throw error
    }
  }

  /// Writes what reports show of single examples. Called by all ranks. The run is done, and stays so where
  /// this cannot be written.
  private static func writeEvaluation(
    _ run: ConfiguredRun, to directory: RunDirectory?, _ tensorBoard: TensorBoardLog?,
    after outcome: Outcome, on collective: any Collective
  ) throws {
    let isWanted = try collective.fromRoot { [directory == nil ? 0 : 1] } == [1]
    guard isWanted,
      let record = try FinalEvaluation.record(of: run, step: outcome.step, on: collective),
      let directory
    else { return }
    do {
      try AtomicFile.write(
        "\(directory.path)/\(EvaluationRecord.name)", text: record.json.compactText + "\n",
        fileSystem: directory.fileSystem)
      try tensorBoard?.show(record)
    } catch {
      Console.notice("\(error); reports of the run show no predictions")
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
