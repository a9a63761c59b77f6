import LockstepFiles
import LockstepReports

/// `lockstep suggest-clip`: thresholds for clipping by global norm, and by the norms of single examples, from a
/// run's history.
enum SuggestClipCommand: Command {
  static let name = "suggest-clip"
  static let usage = "RUN-DIRECTORY [OPTIONS]"
  static let summary = "propose thresholds for gradient clipping from a run's history"
  static let discussion = """
    Takes the norms before clipping, so a run with any threshold, or with none, will do. Prints
    percentiles, the fraction of steps that each would have clipped, and what spikes did to the loss. For a
    run with a clip of the type 'perExample' thresholds of examples' norms follow.
    """
  static let options: [OptionSpecification] = [
    .option("--plot", "FILE.svg", "plot the norms and the suggested threshold"),
    .flag("--json", "print one line of JSON"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let directory = try arguments.single("a run directory")
    let picture = try arguments.plotPath("--plot")
    let history = try RunHistory(directory: directory)
    let suggestion = try ClipSuggestion(history)
    let examples = ExampleClipSuggestion(history)
    guard LauncherRank.isRoot else { return ExitCode.done }
    if arguments.has("--json") {
      var json = suggestion.json
      if let examples, var object = json.objectValue {
        object["examples"] = examples.json
        json = .object(object)
      }
      Console.line(json.compactText)
    } else {
      show(suggestion)
      if let examples { show(examples) }
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

  private static func show(_ suggestion: ClipSuggestion) {
    Console.line("percentile  threshold  clips")
    for candidate in suggestion.candidates {
      let mark = candidate == suggestion.choice ? "  <- suggested" : ""
      Console.line(
        padded("\(Int(candidate.percentile))", 10) + padded(readable(candidate.threshold), 11)
          + padded("\(format(100 * candidate.clippedFraction, 1)) %", 7) + mark)
    }
    Console.line("")
    for sentence in suggestion.reasoning { Console.line(sentence) }
    Console.line(
      "Try: --set clip.type=globalNorm --set clip.limit=\(readable(suggestion.choice.threshold))")
  }

  private static func show(_ suggestion: ExampleClipSuggestion) {
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
    Console.line(
      "Try: --set clip.type=perExample --set clip.norm=\(readable(suggestion.choice.threshold))")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
