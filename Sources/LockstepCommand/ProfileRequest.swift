import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepReports

/// What `train --profile` asks for: a trace in a file, and a breakdown of the step on the screen.
struct ProfileRequest {
  /// The trace's file.
  let path: String
  private let options: Timeline.Options

  static let options: [OptionSpecification] = [
    .option(
      "--profile", "FILE",
      "write a trace of the last steps, a row a rank, for Perfetto or chrome://tracing (in a directory: trace.json), and print where a step's time goes"
    ),
    .option("--profile-steps", "N", "how many steps the trace has (default: 100)"),
    .flag("--profile-operations", "show each operation of a shard in the trace"),
  ]

  /// Reads the options; nil where there is no `--profile`.
  init?(_ arguments: Arguments) throws {
    let steps = try arguments.integer("--profile-steps", atLeast: 1)
    guard let given = arguments.value("--profile") else {
      for option in ["--profile-steps", "--profile-operations"] where arguments.has(option) {
        throw ArgumentError(description: "'\(option)' needs '--profile FILE'")
      }
      return nil
    }
    path = FileKind(given) == .directory ? "\(given)/trace.json" : given
    options = Timeline.Options(
      steps: steps ?? 100, operations: arguments.has("--profile-operations"))
  }

  /// Makes sure that there is a place for the file, before anything is trained. Called by all ranks.
  ///
  /// - Parameter files: what is read, and must stay.
  func check(reading files: [String], on collective: any Collective) throws {
    try collective.onRoot {
      try FileIdentity.check(path, of: "--profile", among: files)
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      let directory = parts.count > 1 ? parts.dropLast().joined(separator: "/") + "/" : "."
      guard FileKind(directory) == .directory, FileKind(path) != .directory else {
        throw ArgumentError(
          description: "'--profile \(path)': '\(directory)' is not a directory; make it first")
      }
    }
  }

  /// Lets a run record itself.
  func start(_ run: ConfiguredRun, on collective: any Collective) throws -> Timeline {
    let timeline = try Timeline(threads: run.configuration.threads, options: options)
    collective.page?.timeline = timeline
    run.source.timeline = timeline
    return timeline
  }

  /// Writes the trace, leaves the breakdown in the run directory and prints it. Called by all ranks.
  func finish(
    _ timeline: Timeline, in directory: RunDirectory?, quiet: Bool, on collective: any Collective
  ) throws {
    collective.page?.timeline = nil
    let profile = try Profile(timeline, on: collective)
    try profile.write(path, on: collective)
    try collective.onRoot {
      guard let directory else { return }
      try AtomicFile.write(
        "\(directory.path)/\(BreakdownRecord.name)",
        text: Self.record(profile.breakdown).json.prettyText + "\n",
        fileSystem: directory.fileSystem)
    }
    if collective.isRoot, !quiet {
      Console.text(Self.text(profile.breakdown))
      Console.line("trace \(path)")
    }
  }

  /// The breakdown as reports show it.
  private static func record(_ breakdown: StepBreakdown) -> BreakdownRecord {
    BreakdownRecord(
      steps: breakdown.steps,
      parts: breakdown.rows.map {
        .init(
          name: name($0.activity), isWaiting: $0.activity.isWaiting, milliseconds: $0.ranks)
      })
  }

  /// The breakdown as a table.
  static func text(_ breakdown: StepBreakdown) -> String {
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(width - text.count, 0)) + text
    }
    func line(_ name: String, _ values: [String]) -> String {
      "  " + name + String(repeating: " ", count: max(20 - name.count, 0))
        + values.map { column($0, 9) }.joined() + "\n"
    }
    let steps = breakdown.steps
    var text =
      "profile of steps \(steps.lowerBound)...\(steps.upperBound): "
      + "\(format(breakdown.milliseconds, 3)) ms a step on \(breakdown.ranks) "
      + "rank\(breakdown.ranks == 1 ? "" : "s")\n"
    text += line("ms a step", ["mean", "%", "least", "most"])
    for row in breakdown.rows {
      text += line(
        Self.name(row.activity),
        [
          format(row.mean, 3), format(100 * row.share, 1), format(row.least, 3),
          format(row.most, 3),
        ])
    }
    text += "  waiting \(format(100 * breakdown.waitingShare, 1)) % of a step"
    text +=
      "; hidden by overlap \(format(100 * breakdown.hiddenShare, 1)) % of input and exchange"
    if breakdown.background > 0 {
      text +=
        ": inputs took \(format(breakdown.background, 3)) ms in the background, "
        + "\(format(breakdown.hidden, 3)) ms of it unnoticed"
    }
    if breakdown.communication > 0 {
      text +=
        "\n  between nodes: \(format(breakdown.communication, 3)) ms a step under way, "
        + "\(format(100 * breakdown.hiddenCommunicationShare, 1)) % of communication hidden"
    }
    return text + "\n"
  }

  /// An activity without what happens inside of it.
  private static func name(_ activity: Activity) -> String {
    switch activity {
    case .step: "between these"
    case .compute: "pack, unpack"
    case .shard: "add shards"
    default: activity.name
    }
  }
}
