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
    With '--halving N' a run is judged behind 1/N³, 1/N² and 1/N of its steps, by its last test loss
    or, without a test part, by its mean training loss. It ends there unless it is among the best 1/N
    of all runs that were judged at the same place.
    """
  static let options =
    RunPreparation.options + [
      .option(
        "--vary", "KEY.PATH=V1,V2,…", "the values of a key; may be repeated for a grid",
        repeats: true),
      .option(
        "--plot", "FILE.svg",
        "plot the final losses over the first key, a color for each value of the others"),
      .option("--halving", "N", "end runs early that are not among the best 1/N so far"),
      .flag("--json", "print a line of JSON a run"),
    ]

  private struct Result {
    let overrides: [Override]
    /// How long the whole run is.
    let totalSteps: Int
    private var places: [(step: Int, rung: Int)]
    /// The losses since the run was judged last.
    private var recentLosses: [Double] = []
    /// The last evaluation of each name: of the weights first, then of their average.
    private(set) var evaluations: [EvaluationReport] = []
    private var lastLoss = Double.nan
    private(set) var steps = 0
    private var clippedSteps = 0
    /// Whether the run ended because something was not finite.
    var hasDiverged = false

    /// Whether the run was not good enough to go on.
    private(set) var isStopped = false

    init(overrides: [Override], totalSteps: Int, halving: SuccessiveHalving?) {
      self.overrides = overrides
      self.totalSteps = totalSteps
      places = halving?.places(steps: totalSteps) ?? []
    }

    mutating func hear(
      _ event: TrainingEvent, _ halving: inout SuccessiveHalving?, _ control: TrainingControl
    ) {
      switch event {
      case .step(let report, _, _):
        judge(&halving, control)
        if report.skipped == nil, report.examples > 0 { recentLosses.append(report.loss) }
        // A step that was skipped says nothing of the others.
        if report.skipped == nil, report.examples > 0 { lastLoss = report.loss }
        steps += 1
        if report.update.clipped { clippedSteps += 1 }
      case .evaluation(let report, _, _):
        if let index = evaluations.firstIndex(where: { $0.name == report.name }) {
          evaluations[index] = report
        } else {
          evaluations.append(report)
        }
      case .notice, .resumed, .checkpoint, .ended: break
      }
    }

    /// Lets the run go on or not, where it has passed a place. The evaluation at a place comes behind its step,
    /// and so a run is judged one step later.
    private mutating func judge(
      _ halving: inout SuccessiveHalving?, _ control: TrainingControl
    ) {
      guard let place = places.first, steps >= place.step else { return }
      places.removeFirst()
      // No number where all steps were skipped.
      let mean = recentLosses.reduce(0, +) / Double(recentLosses.count)
      recentLosses = []
      let loss = evaluations.first?.loss ?? mean
      if halving?.goesOn(rung: place.rung, loss: loss) == false {
        isStopped = true
        places = []
        control.stop(savesCheckpoint: false)
      }
    }

    /// Whether the run ended at a finite loss.
    var isFinite: Bool {
      !hasDiverged && lastLoss.isFinite && evaluations.allSatisfy(\.loss.isFinite)
    }
    /// The last training loss; nil where the run diverged.
    var loss: Double? { isFinite ? lastLoss : nil }
    /// The test of the weights; nil where the run diverged, or has no test part.
    var evaluation: EvaluationReport? { isFinite ? evaluations.first : nil }
    var clippedFraction: Double { Double(clippedSteps) / Double(max(steps, 1)) }

    var name: String {
      SweepCommand.label(overrides)
    }

    var json: JSONValue {
      var object = JSONObject()
      for override in overrides { object[override.path] = override.value }
      object["diverged"] = .bool(!isFinite)
      object["trainingLoss"] = .number(loss ?? .nan)
      object["clippedFraction"] = .number(clippedFraction)
      if isStopped { object["stoppedAt"] = .integer(steps) }
      if let evaluation {
        object["testLoss"] = .number(evaluation.loss)
        for (name, value) in zip(evaluation.metricNames, evaluation.metrics) {
          object[name] = .number(value)
        }
        for other in evaluations.dropFirst() {
          var values = JSONObject()
          values["loss"] = .number(other.loss)
          for (name, value) in zip(other.metricNames, other.metrics) {
            values[name] = .number(value)
          }
          object[other.name] = .object(values)
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
    var halving = try arguments.integer("--halving", atLeast: 2).map(
      SuccessiveHalving.init(factor:))
    try RunPreparation.check(arguments)
    return try Job.run { world in
      // The configuration need not be whole without a point's values. Every point sets the same keys.
      let preparation = try RunPreparation(path, arguments, point: grid[0], on: world)
      let configuration = preparation.named.configuration
      // All points are checked before the first one takes time.
      let configurations = try grid.map { try configuration.overridden(by: $0, source: path) }
      let data = try preparation.data(of: configuration)
      if grid.count > 1 {
        for (point, configuration) in zip(grid, configurations) {
          try check(preparation, configuration, point, sharing: data)
        }
      }
      var results: [Result] = []
      for (point, configuration) in zip(grid, configurations) {
        let isOther = configuration.data.identity != preparation.named.configuration.data.identity
        let result = try run(
          preparation, configuration, point,
          isOther ? try preparation.data(of: configuration) : data, &halving)
        results.append(result)
        if world.isRoot { show(result, json: arguments.has("--json")) }
      }
      if world.isRoot {
        finish(results, json: arguments.has("--json"))
        if let plot { try picture(results, axes.map(\.key)).write(to: plot) }
      }
      return ExitCode.done
    }
  }

  /// Makes sure that a point can be run. Called by all ranks.
  ///
  /// - Parameter data: the first point's examples, which others may have too.
  /// - Throws: an error that names the point.
  private static func check(
    _ preparation: RunPreparation, _ configuration: RunConfiguration, _ point: [Override],
    sharing data: DataConfiguration.Parts
  ) throws {
    let isOther = configuration.data.identity != preparation.named.configuration.data.identity
    do {
      try preparation.check(
        configuration, isOther ? try preparation.data(of: configuration) : data)
    } catch {
      throw JointFailure(rank: 0, code: ExitCode.of(error), reason: "\(label(point)): \(error)")
    }
  }

  /// A point by its keys and values, numbers with no more digits than they need.
  private static func label(_ point: [Override]) -> String {
    point.map { override -> String in
      let value = override.value
      var text = value.stringValue ?? value.compactText
      if case .number(let number) = value {
        let forms = (6...17).lazy.map { readable(number, digits: $0) }
        text = forms.first { Double($0) == number } ?? text
      }
      return "\(override.path)=\(text)"
    }.joined(separator: " ")
  }

  /// Runs one point of the grid. Called by all ranks.
  private static func run(
    _ preparation: RunPreparation, _ configuration: RunConfiguration, _ point: [Override],
    _ data: DataConfiguration.Parts, _ halving: inout SuccessiveHalving?
  ) throws -> Result {
    let collective = try preparation.ranks(for: configuration)
    let run = try preparation.run(configuration, data, on: collective)
    let control = TrainingControl()
    // A listener may outlive the call, as far as the compiler knows.
    var rule = halving
    var result = Result(overrides: point, totalSteps: run.totalSteps, halving: rule)
    defer { halving = rule }
    do {
      _ = try run.trainer(
        directory: nil, agreement: try preparation.agreement(), control: control
      ) { event in
        result.hear(event, &rule, control)
      }.run()
    } catch let error where divergence(error) {
      // All ranks throw alike.
      result.hasDiverged = true
    }
    return result
  }

  /// Whether an error says that training went where no number is finite.
  static func divergence(_ error: any Error) -> Bool {
    error is NonFiniteError || error is NonFiniteWeightsError || error is SkipLimitError
  }

  private static func show(_ result: Result, json: Bool) {
    if json { return Console.line(result.json.compactText) }
    var text = "\(result.name): "
    if let loss = result.loss {
      text += "training loss \(readable(loss))"
      for evaluation in result.evaluations {
        text += ", \(evaluation.name) loss \(readable(evaluation.loss))\(metricsText(evaluation))"
      }
    } else {
      text += "diverged"
    }
    if result.isStopped { text += ", ended after step \(result.steps)" }
    Console.line(text + ", clipped \(format(100 * result.clippedFraction, 1)) %")
  }

  private static func finish(_ results: [Result], json: Bool) {
    let best = results.filter { !$0.isStopped && $0.evaluation?.loss.isFinite == true }.min {
      $0.evaluation!.loss < $1.evaluation!.loss  // filtered for it
    }
    if let best, !json { Console.line("lowest test loss: \(best.name)") }
    if results.contains(where: \.isStopped), !json {
      let (made, all) = results.reduce((0, 0)) { ($0.0 + $1.steps, $0.1 + $1.totalSteps) }
      Console.line("\(made) of \(all) steps were made")
    }
  }

  private static func picture(_ results: [Result], _ keys: [String]) -> LinePlot {
    LinePlot(
      sweep: results.filter { !$0.isStopped }.map { result in
        SweepPoint(
          values: result.overrides.map(\.value), trainingLoss: result.loss ?? .nan,
          testLoss: result.evaluation?.loss, accuracy: result.evaluation?["accuracy"],
          diverged: !result.isFinite)
      }, over: keys)
  }
}
