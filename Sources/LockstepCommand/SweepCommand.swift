import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepReports

/// `lockstep sweep`: one short run for each value of a key, side by side.
enum SweepCommand: Command {
  static let name = "sweep"
  static let usage = "CONFIG.json --vary KEY.PATH=V1,V2,… [OPTIONS]"
  static let summary = "run a grid of values of configuration keys and compare the results"
  static let discussion = """
    Commas inside of brackets, braces and quotes belong to a value (model.sizes=[16,10],[32,10]).
    Every combination of the values is a whole run of the configuration, in this job, without a run
    directory. A run that fails because its gradient is not finite counts as diverged.
    """
  static let options =
    NamedConfiguration.options + [
      .option(
        "--vary", "KEY.PATH=V1,V2,…", "the values of a key; may be repeated for a grid",
        repeats: true),
      .option(
        "--plot", "FILE.svg",
        "plot the final losses over the first key, a color for each value of the others"),
      .flag("--json", "print a line of JSON a run"),
    ]

  private struct Result {
    let overrides: [Override]
    let evaluation: EvaluationReport?
    let loss: Double
    let clippedFraction: Double

    var name: String {
      overrides.map { "\($0.path)=\($0.value.stringValue ?? $0.value.compactText)" }.joined(
        separator: " ")
    }

    var json: JSONValue {
      var object = JSONObject()
      for override in overrides { object[override.path] = override.value }
      object["diverged"] = .bool(evaluation == nil && !loss.isFinite)
      object["trainingLoss"] = .number(loss)
      object["clippedFraction"] = .number(clippedFraction)
      if let evaluation {
        object["testLoss"] = .number(evaluation.loss)
        for (name, value) in zip(evaluation.metricNames, evaluation.metrics) {
          object[name] = .number(value)
        }
      }
      return .object(object)
    }
  }

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("the configuration's path")
    let axes = try SweepAxis.all(arguments.all("--vary"))
    let grid = try SweepAxis.grid(axes)
    let plot = try arguments.plotPath("--plot")
    return try Job.run { collective in
      let named = try NamedConfiguration(path, arguments, on: collective)
      // All points are checked before the first one takes time.
      let configurations = try grid.map { try named.configuration.overridden(by: $0, source: path) }
      let data = try collective.together { try named.configuration.data.load() }
      var results: [Result] = []
      for (point, configuration) in zip(grid, configurations) {
        let isOther = point.contains { $0.path.hasPrefix("data") }
        let result = try run(
          configuration, point,
          isOther ? try collective.together { try configuration.data.load() } : data,
          on: collective)
        results.append(result)
        if collective.isRoot { show(result, json: arguments.has("--json")) }
      }
      if collective.isRoot {
        finish(results, json: arguments.has("--json"))
        if let plot { try ReportCommand.write(picture(results, axes.map(\.key)), to: plot) }
      }
      return ExitCode.done
    }
  }

  private static func run(
    _ configuration: RunConfiguration, _ point: [Override], _ data: DataConfiguration.Parts,
    on collective: MPICollective
  ) throws -> Result {
    var loss = Double.nan
    var (clipped, steps) = (0, 0)
    var evaluation: EvaluationReport?
    do {
      let run = try ConfiguredRun(configuration, data: data, on: collective)
      _ = try run.trainer(directory: nil) { event in
        switch event {
        case .step(let report, _, _):
          loss = report.loss
          steps += 1
          if report.update.clipped { clipped += 1 }
        case .evaluation(let report, _, _): evaluation = report
        case .resumed, .checkpoint, .ended: break
        }
      }.run()
    } catch is NonFiniteError {
      // All ranks throw alike.
      return Result(
        overrides: point, evaluation: nil, loss: .nan,
        clippedFraction: Double(clipped) / Double(max(steps, 1)))
    }
    return Result(
      overrides: point, evaluation: evaluation, loss: loss,
      clippedFraction: Double(clipped) / Double(max(steps, 1)))
  }

  private static func show(_ result: Result, json: Bool) {
    if json { return Console.line(result.json.compactText) }
    var text = "\(result.name): "
    if result.loss.isFinite {
      text += "training loss \(readable(result.loss))"
      if let evaluation = result.evaluation {
        text += ", test loss \(readable(evaluation.loss))\(metricsText(evaluation))"
      }
    } else {
      text += "diverged"
    }
    Console.line(text + ", clipped \(format(100 * result.clippedFraction, 1)) %")
  }

  private static func finish(_ results: [Result], json: Bool) {
    let best = results.filter { $0.evaluation?.loss.isFinite == true }.min {
      $0.evaluation!.loss < $1.evaluation!.loss  // filtered for it
    }
    if let best, !json { Console.line("lowest test loss: \(best.name)") }
  }

  private static func picture(_ results: [Result], _ keys: [String]) -> LinePlot {
    LinePlot(
      sweep: results.map { result in
        SweepPoint(
          values: result.overrides.map(\.value), trainingLoss: result.loss,
          testLoss: result.evaluation?.loss, accuracy: result.evaluation?["accuracy"],
          diverged: !result.loss.isFinite)
      }, over: keys)
  }
}
