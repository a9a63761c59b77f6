import Lockstep
import LockstepConfiguration
import LockstepFiles

/// `lockstep evaluate`: loss and metrics of weights on the test examples.
enum EvaluateCommand: Command {
  static let name = "evaluate"
  static let usage = "RUN-DIRECTORY | CONFIG.json [OPTIONS]"
  static let summary = "compute loss and metrics of trained weights"
  static let discussion = """
    Takes a run directory (its config.json and weights.safetensors) or a configuration with --weights.
    Every example counts exactly once, on any number of ranks.
    """
  static let options =
    NamedConfiguration.options + [
      .option("--weights", "FILE", "the weights; a run directory's own by default"),
      .option("--on", "PART", "test (default) or training"),
      .flag("--json", "print one line of JSON"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    let part = try part(arguments)
    _ = try arguments.overrides()
    return try Job.run { collective in
      let named = try NamedConfiguration(path, arguments, on: collective)
      let (source, examples) = try load(named, arguments, on: collective)
      let report = try ModelEvaluator(source, on: examples).evaluation(
        part, shardSize: named.configuration.evaluationBatchSize, on: collective
      ).run()
      if collective.isRoot { show(report, json: arguments.has("--json")) }
      return ExitCode.done
    }
  }

  /// The part of the data that is asked for.
  private static func part(_ arguments: Arguments) throws -> String {
    let part = arguments.value("--on") ?? "test"
    guard ["test", "training"].contains(part) else {
      throw ArgumentError(description: "'--on' must be test or training; found '\(part)'")
    }
    return part
  }

  /// A model with trained weights, equal on all ranks, and the examples to compute.
  static func load(
    _ named: NamedConfiguration, _ arguments: Arguments, on collective: any Collective
  ) throws -> (ModelSource, Dataset) {
    let part = try part(arguments)
    guard
      let weights = arguments.value("--weights")
        ?? named.runDirectory.map({ "\($0)/weights.safetensors" })
    else {
      throw ArgumentError(description: "'--weights FILE' is missing: a configuration has none")
    }
    let data = try collective.together { try named.configuration.data.load() }
    guard let examples = part == "test" ? data.test : data.training else {
      throw InputFailure(
        description: "\(named.path): the data has no test part; set one apart or use --on training"
      )
    }
    let source = try named.configuration.source(data)
    let all = Weights(of: source)
    try collective.onRoot { try all.read(weights) }
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    try registry.broadcast(on: collective)
    return (source, examples)
  }

  private static func show(_ report: EvaluationReport, json: Bool) {
    if json {
      var object = JSONObject()
      object["evaluation"] = .string(report.name)
      object["examples"] = .integer(report.examples)
      object["loss"] = .number(report.loss)
      for (name, value) in zip(report.metricNames, report.metrics) { object[name] = .number(value) }
      Console.line(JSONValue.object(object).compactText)
      return
    }
    Console.line(
      "\(report.name): loss \(readable(report.loss))\(metricsText(report)) of "
        + counted(report.examples, "example"))
  }
}
