import LockstepFiles
import LockstepReports

/// `lockstep suggest-clip`: thresholds for clipping by global norm, by the norms of single examples, and tensor by
/// tensor, from a run's history.
enum SuggestClipCommand: Command {
  static let name = "suggest-clip"
  static let usage = "RUN-DIRECTORY [OPTIONS]"
  static let summary = "propose thresholds for gradient clipping from a run's history"
  static let discussion = """
    Takes the norms before clipping, so a run with any threshold, or with none, will do. Prints
    percentiles, the share of the run's norms above each, whether the norms have a trend, and what spikes did to
    the loss. What is suggested goes with the run's other settings. For a run with a clip of the type
    'perExample' thresholds of examples' norms follow. '--tensors' gives each tensor
    a threshold of its own, '--spectral' each matrix one for its singular values, as lines for a configuration.
    """
  static let options: [OptionSpecification] = [
    .flag("--tensors", "a threshold for the norm of every tensor, too"),
    .flag("--spectral", "one for the singular values of every matrix (log.singularValues), too"),
    .option("--plot", "FILE.svg", "plot the norms and the suggested threshold"),
    .flag("--json", "print one line of JSON"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let directory = try arguments.single("a run directory")
    let picture = try arguments.plotPath("--plot")
    let history = try RunHistory(directory: directory)
    let suggestion = try ClipSuggestion(history)
    let examples = ExampleClipSuggestion(history)
    let run = RunClips(directory: directory)
    let tensors = try tensorSuggestions(
      arguments, directory, whole: suggestion.choice)
    guard LauncherRank.isRoot else { return ExitCode.done }
    if arguments.has("--json") {
      var json = suggestion.json
      if var object = json.objectValue {
        object["clip"] = suggestion.clips(for: run).first?.value
        object["examples"] = examples?.json(for: run)
        for (key, tensors) in tensors { object[key] = tensors.json(for: run) }
        json = .object(object)
      }
      Console.line(json.compactText)
    } else {
      show(suggestion, run)
      if let examples { show(examples, run) }
      for (_, tensors) in tensors { show(tensors, run) }
    }
    if let path = picture {
      var plot = RunReport(history, name: lastName(of: directory)).normPlot
      plot.series.removeLast()
      plot.levels = [
        (
          "suggested: \(readable(suggestion.choice.threshold)) (\(Int(suggestion.choice.percentile))th percentile)",
          suggestion.choice.threshold
        )
      ]
      try plot.write(to: path)
    }
    return ExitCode.done
  }

  private static func show(_ suggestion: ClipSuggestion, _ run: RunClips) {
    Console.line("percentile  threshold  above")
    for candidate in suggestion.candidates {
      let mark = candidate == suggestion.choice ? "  <- suggested" : ""
      Console.line(
        padded("\(Int(candidate.percentile))", 10) + padded(readable(candidate.threshold), 11)
          + padded("\(format(100 * candidate.clippedFraction, 1)) %", 7) + mark)
    }
    Console.line("")
    for sentence in suggestion.reasoning { Console.line(sentence) }
    if let reason = run.reason { Console.line(reason) }
    for (introduction, value) in suggestion.clips(for: run) {
      Console.line("\(introduction): \(RunClips.option(value))")
    }
  }

  private static func show(_ suggestion: ExampleClipSuggestion, _ run: RunClips) {
    Console.line("")
    Console.line("of examples")
    Console.line("percentile  threshold")
    for candidate in suggestion.candidates {
      Console.line(
        padded("\(candidate.percentile)", 10) + padded(readable(candidate.threshold), 11)
          + (candidate == suggestion.choice ? "  <- suggested" : ""))
    }
    Console.line("")
    Console.line(suggestion.reason)
    Console.line("Try: \(RunClips.option(run.value(exampleNorm: suggestion.choice.threshold)))")
  }

  /// The suggestions tensor by tensor that are asked for, by their keys in JSON.
  private static func tensorSuggestions(
    _ arguments: Arguments, _ directory: String, whole: ClipSuggestion.Candidate
  ) throws -> [(key: String, suggestion: TensorClipSuggestion)] {
    var kinds: [(String, TensorClipSuggestion.Kind)] = []
    if arguments.has("--tensors") { kinds.append(("tensors", .norms)) }
    if arguments.has("--spectral") { kinds.append(("spectral", .singularValues)) }
    if kinds.isEmpty { return [] }
    let norms = try NormHistory(directory: directory)
    return try kinds.map { key, kind in
      let table = kind == .norms ? norms.before : norms.singularValues
      return (key, try TensorClipSuggestion(kind, table, whole: whole))
    }
  }

  private static func show(_ suggestion: TensorClipSuggestion, _ run: RunClips) {
    let isOfNorms = suggestion.kind == .norms
    let width = max(6, suggestion.tensors.map(\.name.count).max() ?? 0)
    func left(_ text: String) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    Console.line("")
    Console.line(
      "\(isOfNorms ? "norms of tensors" : "largest singular values"), \(suggestion.stepCount) logged steps"
    )
    Console.line(left(isOfNorms ? "tensor" : "matrix") + "    median  threshold  above")
    for tensor in suggestion.tensors {
      Console.line(
        left(tensor.name) + padded(readable(tensor.median), 10)
          + padded(readable(tensor.threshold), 11)
          + padded("\(format(100 * tensor.clippedFraction, 1)) %", 7))
    }
    Console.line("")
    Console.line(
      "At the \(Int(suggestion.percentile))th percentile of each, one at least is exceeded in "
        + "\(format(100 * suggestion.clippedFraction, 1)) % of this run's logged steps.")
    if suggestion.isTaken(by: run) {
      Console.line("For the configuration:")
      for line in suggestion.configurationLines(for: run) { Console.line(line) }
    } else if let reason = run.reason {
      Console.line(reason)
    }
    if let adaptive = suggestion.adaptive, run.taken != .none {
      Console.line(
        "Limits that follow each tensor's own norms, which "
          + "\(format(100 * adaptive.clippedFraction, 1)) % of this run's norms exceed:")
      Console.line("\"clip\": \(run.value([adaptive.clip]).compactText)")
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
