import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepTesting
import LockstepPlatform

/// `lockstep verify`: one configuration on several numbers of ranks, compared stage by stage.
enum VerifyCommand: Command {
  static let name = "verify"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "compare every stage of every step on several numbers of ranks"
  static let discussion = """
    Starts mpirun once for each number of ranks (start verify itself without it) and compares hashes of the loss, of each tensor of the
    folded gradient, and of each tensor of the state behind the update. Names the first step, stage and
    tensor that differ; code 1 then.
    """
  static let options =
    RunPreparation.options + [
      .option("--ranks", "P1,P2,…", "the numbers of ranks (default 1,2,3)"),
      .option("--steps", "N", "how many steps (default 10)"),
      .option("--hashes", "FILE", "write this job's own hashes instead of comparing (internal)"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("the configuration's path")
    let steps = try arguments.integer("--steps", atLeast: 1) ?? 10
    try RunPreparation.check(arguments)
    if let file = arguments.value("--hashes") {
      return try Job.run { try record(path, arguments, steps, to: file, on: $0) }
    }
    let ranks = try (arguments.value("--ranks") ?? "1,2,3").split(separator: ",").map { part in
      guard let number = Int(part), number > 0 else {
        throw ArgumentError(description: "'--ranks' must be numbers of ranks; found '\(part)'")
      }
      return number
    }
    guard !LauncherRank.isLaunched else {
      throw ArgumentError(
        description: "verify starts mpirun itself, once for each number of ranks; start it without "
          + "mpirun: lockstep verify \(path.shellWord) --ranks P1,P2,…")
    }
    try check(path, arguments, ranks)
    return try compare(path, arguments, steps, ranks)
  }

  /// Makes sure that there is a shard for each rank, before any job is started.
  private static func check(_ path: String, _ arguments: Arguments, _ ranks: [Int]) throws {
    let overrides = try RunPreparation.overrides(arguments, from: WorkingDirectory.path)
    let configuration = try NamedConfiguration(
      path, overrides: overrides, on: SoloCollective()
    ).configuration
    guard let most = ranks.max(), most > configuration.shards else { return }
    let batch = counted(configuration.batchSize, "example")
    var remedy = "give fewer '--ranks'"
    // Each shard has an example of a batch, and their number is a power of two.
    if let shards = (0..<17).map({ 1 << $0 }).first(where: { $0 >= most }),
      shards <= configuration.batchSize
    {
      remedy += ", or set 'shards' (--set shards=\(shards))"
    } else {
      remedy += ", or set a larger 'batchSize' and 'shards'"
    }
    throw ArgumentError(
      description: "'--ranks': \(most) ranks but only "
        + "\(counted(configuration.shards, "shard")) of a batch ('batchSize') of \(batch), and "
        + "each rank needs a shard: \(remedy)")
  }

  // MARK: One job

  private static func record(
    _ path: String, _ arguments: Arguments, _ steps: Int, to file: String,
    on world: MPICollective
  ) throws -> Int32 {
    let preparation = try RunPreparation(path, arguments, on: world)
    let collective = try preparation.ranks(for: preparation.named.configuration)
    let configuration = try preparation.named.configuration.overridden(
      by: [Override(path: "steps", value: .integer(steps))], source: path)
    let run = try preparation.run(
      configuration, try preparation.data(of: configuration), on: collective)
    guard let step = run.step as? TrainingStep else {
      throw InputFailure(description: "\(path): verify compares first-order steps only")
    }
    let registry = StateRegistry()
    try registry.add(step.source.stateEntries, of: step.source)
    try registry.add(step.update.stateEntries, of: step.update)
    try registry.add(run.source.carriedEntries, of: run.source)
    try registry.broadcast(on: collective)
    let hashes = StageHashes(step, registry, on: collective)
    var text = ""
    for number in 0..<min(steps, run.totalSteps) {
      let report = try step.run(
        StepBatch(
          step: number, epoch: run.sampler.epoch, examples: try run.sampler.batch(),
          shards: configuration.shards, microBatches: configuration.options.microBatches))
      run.sampler.advance()
      for stage in try hashes.afterStep(report) {
        text += "\(report.step) \(stage.name) \(stage.fingerprint)\n"
      }
    }
    try collective.onRoot { try AtomicFile.write(file, text: text) }
    return ExitCode.done
  }

  // MARK: Several jobs

  private static func compare(
    _ path: String, _ arguments: Arguments, _ steps: Int, _ ranks: [Int]
  ) throws -> Int32 {
    // The jobs have process groups of their own, which no signal to this one's reaches.
    Interruption.install()
    var reference: [Substring] = []
    for (index, count) in ranks.enumerated() {
      let lines = try hashes(path, arguments, steps, ranks: count)
      if index == 0 {
        reference = lines
        Console.line("\(counted(count, "rank")): \(counted(lines.count, "stage"))")
        continue
      }
      if let place = zip(reference, lines).enumerated().first(where: { $1.0 != $1.1 })?.offset
        ?? (reference.count == lines.count ? nil : min(reference.count, lines.count) - 1)
      {
        let words = lines[place].split(separator: " ")
        Console.line(
          "\(count) ranks differ from \(ranks[0]): step \(words[0]), \(words[1]) first")
        return ExitCode.failure
      }
      Console.line("\(counted(count, "rank")): the same \(counted(lines.count, "stage"))")
    }
    Console.line("the same bits in every stage of \(counted(steps, "step"))")
    return ExitCode.done
  }

  /// Runs this program under mpirun and reads the hashes it wrote.
  private static func hashes(
    _ path: String, _ arguments: Arguments, _ steps: Int, ranks: Int
  ) throws -> [Substring] {
    let file = "\(SharedMemorySpace.directory)/lockstep-verify-\(ProcessNumber.own)"
    defer { ProcessNumber.removeFile(file) }
    var words = ["verify", path, "--hashes", file, "--steps", "\(steps)"]
    for option in RunPreparation.options {
      for value in arguments.all(option.name) { words += [option.name, value] }
    }
    let result = try MPIRunner.run(
      "/proc/self/exe".resolved, words, ranks: ranks, deadline: .seconds(3600),
      isCancelled: { Interruption.isRequested })
    if result.ending == .cancelled { throw Interrupted() }
    guard result.succeeded else {
      // What the ranks say is all there is to say; else it is the launcher that failed.
      let lines = result.errorOutput.split(separator: "\n")
      let own = lines.filter { $0.hasPrefix("lockstep: ") }.map { $0.dropFirst("lockstep: ".count) }
      throw JointFailure(
        rank: 0,
        code: result.ending == .exited(ExitCode.badInput) ? ExitCode.badInput : ExitCode.failure,
        reason: "the job of \(counted(ranks, "rank")) failed: "
          + (own.isEmpty ? lines.prefix(3).map { $0[...] } : own).joined(separator: "\n"))
    }
    let text = String(decoding: try FileInput.contents(of: file), as: UTF8.self)
    return text.split(separator: "\n")
  }
}
