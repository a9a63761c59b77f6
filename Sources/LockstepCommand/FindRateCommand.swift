import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepReports

/// `lockstep find-rate`: a learning-rate range test.
enum FindRateCommand: Command {
  static let name = "find-rate"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "find a learning rate: train while it grows, and see where the loss falls"
  static let discussion = """
    The model of the configuration is trained with its optimizer for a few steps, while the learning rate
    grows by one factor a step. The test ends where the smoothed loss is far above its lowest, or is
    not finite. What is printed is a good rate to start with, at which the loss falls fastest, but at most a tenth
    of that at which it is lowest, which is too large. Nothing is evaluated or saved; the
    configuration's own rate and schedule are not used.
    """
  static let options =
    RunPreparation.options + [
      .option("--from", "RATE", "the first rate (default 1e-6)"),
      .option("--to", "RATE", "the last rate (default 10)"),
      .option("--steps", "N", "the number of steps (default 100)"),
      .option("--plot", "FILE.svg", "plot the losses over the rates"),
      .flag("--json", "print a line of JSON a step, and one of the result"),
    ]

  /// The rates of the test.
  private struct Ramp {
    let first: Double
    let last: Double
    let steps: Int

    init(_ arguments: Arguments) throws {
      func rate(_ option: String, _ fallback: Double) throws -> Double {
        guard let text = arguments.value(option) else { return fallback }
        guard let value = Double(text), value > 0, value.isFinite else {
          throw ArgumentError(description: "'\(option)' must be a positive number; found '\(text)'")
        }
        return value
      }
      first = try rate("--from", 1e-6)
      last = try rate("--to", 10)
      guard first < last else {
        throw ArgumentError(
          description: "'--from' must be below '--to'; found \(first) and \(last)")
      }
      let text = arguments.value("--steps") ?? "100"
      guard let steps = Int(text), (10...1_000_000).contains(steps) else {
        throw ArgumentError(
          description: "'--steps' must be a whole number in 10...1000000; found '\(text)'")
      }
      self.steps = steps
    }

    /// What the configuration becomes.
    func overrides(of configuration: RunConfiguration) throws -> [Override] {
      var optimizer = configuration.resolved["optimizer"]?.objectValue ?? JSONObject()
      let factor = ExactMath.power(last / first, 1 / Double(steps - 1))
      optimizer["learningRate"] = .number(first)
      optimizer["schedule"] = ["type": "exponential", "factor": .number(factor)]
      let pairs: [(String, JSONValue)] = [
        ("optimizer", .object(optimizer)), ("steps", .integer(steps)),
        ("epochs", .integer(1_000_000_000)), ("earlyStopping", .null), ("maxSeconds", .null),
        ("average", .null), ("nonFinite", "stop"),
      ]
      return pairs.map { Override(path: $0.0, value: $0.1) }
    }
  }

  static func run(_ arguments: Arguments) throws -> Int32 {
    Interruption.install()
    let path = try arguments.single("the configuration's path")
    let ramp = try Ramp(arguments)
    let plot = try arguments.plotPath("--plot")
    try RunPreparation.check(arguments)
    return try Job.run { world in
      Interruption.install()
      let preparation = try RunPreparation(path, arguments, on: world)
      let named = preparation.named.configuration
      if named.hessianFree != nil {
        throw InputFailure(
          description:
            "\(path): find-rate needs an optimizer with a learning rate, and 'hessianFree' has none"
        )
      }
      let configuration = try named.overridden(by: try ramp.overrides(of: named), source: path)
      let data = try preparation.data(of: configuration)
      let found = try test(preparation, configuration, data, json: arguments.has("--json"))
      if world.isRoot {
        show(found, json: arguments.has("--json"))
        if let plot {
          try found.plot(title: "Learning-rate range test of \(lastName(of: path))").write(to: plot)
        }
      }
      return ExitCode.done
    }
  }

  /// Trains. Called by all ranks; the root has the result.
  private static func test(
    _ preparation: RunPreparation, _ configuration: RunConfiguration,
    _ data: DataConfiguration.Parts, json: Bool
  ) throws -> RateSuggestion {
    let collective = try preparation.ranks(for: configuration)
    let run = try preparation.run(configuration, data, on: collective)
    let control = TrainingControl()
    var found = RateSuggestion()
    do {
      let outcome = try run.trainer(
        directory: nil, agreement: try preparation.agreement(), evaluates: false, control: control
      ) { event in
        guard case .step(let report, _, _) = event, report.examples > 0 else { return }
        found.add(rate: report.update.learningRate, loss: report.loss)
        if json, let point = found.points.last { Console.line(Self.json(point).compactText) }
        if found.hasDiverged { control.stop(savesCheckpoint: false) }
      }.run()
      if outcome.kind == .interrupted { throw Interrupted() }
    } catch let error where SweepCommand.divergence(error) {
      // All ranks throw alike: the rates have become too large.
    }
    return found
  }

  private static func json(_ point: RateSuggestion.Point) -> JSONValue {
    [
      "learningRate": .number(point.rate), "loss": .number(point.loss),
      "smoothedLoss": .number(point.smoothed),
    ]
  }

  private static func show(_ found: RateSuggestion, json: Bool) {
    let (suggested, lowest) = (found.suggested, found.lowest)
    if json {
      Console.line(
        ([
          "suggestedLearningRate": suggested.map { .number($0) } ?? .null,
          "lowestLossAt": lowest.map { .number($0.rate) } ?? .null,
          "steps": .integer(found.points.count),
        ] as JSONValue).compactText)
      return
    }
    guard let suggested, let lowest, let last = found.points.last else {
      return Console.line(
        "the loss does not fall in \(counted(found.points.count, "step")): take more --steps, or other "
          + "rates by --from and --to")
    }
    Console.line(
      "suggested learning rate \(readable(suggested, digits: 2)): the loss falls fastest at "
        + readable(found.steepest ?? suggested, digits: 2))
    Console.line(
      "lowest smoothed loss \(readable(lowest.smoothed)) at \(readable(lowest.rate, digits: 2)), "
        + "\(readable(last.smoothed)) at \(readable(last.rate, digits: 2)), after "
        + counted(found.points.count, "step"))
  }
}
