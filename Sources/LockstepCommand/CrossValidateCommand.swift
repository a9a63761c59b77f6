import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepPlatform

/// `lockstep cross-validate`: a run for each fold, each example in one test part.
enum CrossValidateCommand: Command {
  static let name = "cross-validate"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "train once a fold, and give mean and deviation of every metric"
  static let discussion = """
    The data are cut into folds, stratified by the target ('data.groupBy' keeps groups together). Each fold
    is the test part of one run; what is fitted is fitted on the others. A line tells what the run's final
    weights give on its test part: loss and metrics, of numbers RMSE and R² too. The last line has the
    mean and the deviation (of n − 1) of each over the folds that have it.
    """
  static let options =
    RunPreparation.options + [
      .option("--folds", "N", "the number of folds (default: 'data.folds', or 5)"),
      .option("--run-directory", "DIR", "leave each fold's run in DIR/fold-0, DIR/fold-1, …"),
      .flag("--resume", "go on with the runs in the run directory"),
      .flag("--json", "print a line of JSON a fold, and one of the means and deviations"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    Interruption.install()
    let path = try arguments.single("the configuration's path")
    let asked = try arguments.value("--folds").map { text in
      guard let folds = Int(text), folds >= 2, folds <= 1_000_000 else {
        throw ArgumentError(
          description: "'--folds' must be a whole number of at least 2; found '\(text)'")
      }
      return folds
    }
    if arguments.has("--resume"), arguments.value("--run-directory") == nil {
      throw ArgumentError(description: "'--resume' needs '--run-directory DIR'")
    }
    try RunPreparation.check(arguments)
    return try Job.run { world in
      Interruption.install()
      let cut = { (folds: Int, fold: Int) in
        [("testFraction", JSONValue.null), ("folds", .integer(folds)), ("fold", .integer(fold))]
          .map { Override(path: "data.\($0.0)", value: $0.1) }
      }
      // The configuration may say a test part of its own, which folds take the place of.
      let first: RunPreparation
      do {
        first = try RunPreparation(path, arguments, point: cut(asked ?? 5, 0), on: world)
      } catch  where "\(error)".contains("unknown key 'folds' in 'data'") {
        throw InputFailure(
          description:
            "\(path): data of this type cannot be cut into folds: examples of texts, tokens and forecasts follow "
            + "each other. 'lockstep train' with 'data.testFraction' tests on the last part")
      }
      let folds = try asked ?? given(path, arguments, on: world) ?? 5
      let preparation =
        folds == asked ?? 5
        ? first : try RunPreparation(path, arguments, point: cut(folds, 0), on: world)
      // What can be known is known before the first fold trains, and more folds than examples with the first.
      let runs = try (0..<folds).map { fold in
        try named(fold) {
          let run = try preparation.named.configuration.overridden(
            by: cut(folds, fold), source: path)
          try preparation.check(run, try preparation.data(of: run))
          return run
        }
      }
      var table = FoldTable(isJSON: arguments.has("--json"))
      for (fold, run) in runs.enumerated() {
        let report = try named(fold) {
          try train(preparation, run, fold, arguments, on: preparation.ranks(for: run))
        }
        table.add(report)
        if world.isRoot { Console.line(table.line(fold, report)) }
      }
      if world.isRoot { Console.line(table.summary) }
      return ExitCode.done
    }
  }

  /// `data.folds` of the configuration, where it is there. Called by all ranks.
  private static func given(
    _ path: String, _ arguments: Arguments, on world: MPICollective
  ) throws -> Int? {
    let text = try world.fromRoot {
      let value = try? JSONValue.parse(FileInput.contents(of: path, limit: 1 << 30))
      return Array("\(value?["data.folds"]?.integerValue ?? 0)".utf8)
    }
    return Int(String(decoding: text, as: UTF8.self)).flatMap { $0 >= 2 ? $0 : nil }
  }

  /// Errors name the fold.
  private static func named<Value>(_ fold: Int, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error where !(error is Interrupted) {
      if ExitCode.of(error) == ExitCode.interrupted { throw error }
      throw JointFailure(rank: 0, code: ExitCode.of(error), reason: "fold \(fold): \(error)")
    }
  }

  /// Trains on all folds but one, and evaluates the final weights on that. Called by all ranks.
  private static func train(
    _ preparation: RunPreparation, _ configuration: RunConfiguration, _ fold: Int,
    _ arguments: Arguments, on collective: MPICollective
  ) throws -> EvaluationReport {
    let data = try preparation.data(of: configuration)
    let resumes = arguments.has("--resume")
    let run = try preparation.run(configuration, data, on: collective)
    let directory = try arguments.value("--run-directory").flatMap {
      try RunDirectory.open(
        "\($0)/fold-\(fold)", resume: resumes, configuration: configuration.resolved,
        keep: configuration.keptCheckpoints, on: collective)
    }
    let outcome = try run.trainer(
      directory: directory, agreement: try preparation.agreement(), evaluates: true
    ) { event in
      if case .notice(let notice) = event { Console.notice("fold \(fold): \(notice)") }
    }.run(resume: resumes)
    if outcome.kind == .interrupted {
      let isAsked = try collective.isInterrupted(Interruption.isRequested)
      throw Interrupted(isByLimit: configuration.options.maxSeconds != nil && !isAsked)
    }
    guard let test = data.test else {
      throw InputFailure(description: "the fold has no test part")
    }
    let evaluator = try ModelEvaluator(run.source, on: test)
    func evaluation(_ more: [any EvaluationMetric]) throws -> Evaluation {
      try evaluator.evaluation(
        "test", shardSize: configuration.evaluationBatchSize,
        units: LabelUnits.all(data.record.description), adding: [more], on: collective)
    }
    // A fold whose targets are all equal has no R².
    let isOfNumbers =
      (configuration.labelLoss as? any InterpretingLoss)?.outputMeaning == .numbers
    let made =
      isOfNumbers
      ? try (try? evaluation([RootMeanSquaredError(), RSquared()]))
        ?? evaluation([RootMeanSquaredError()]) : try evaluation([])
    return try run.average.map { try $0.run { try made.run() } } ?? made.run()
  }
}

/// What folds gave, and what they have in common.
private struct FoldTable {
  let isJSON: Bool
  /// The values of each quantity, in the order in which they came.
  private var columns: [(name: String, values: [Double])] = []
  private var folds = 0

  init(isJSON: Bool) { self.isJSON = isJSON }

  mutating func add(_ report: EvaluationReport) {
    folds += 1
    for (name, value) in Self.values(report) {
      if let place = columns.firstIndex(where: { $0.name == name }) {
        columns[place].values.append(value)
      } else {
        columns.append((name, [value]))
      }
    }
  }

  private static func values(_ report: EvaluationReport) -> [(name: String, value: Double)] {
    [(EvaluationReport.lossName, report.loss)] + zip(report.metricNames, report.metrics).map { $0 }
  }

  /// A fold's line.
  func line(_ fold: Int, _ report: EvaluationReport) -> String {
    guard isJSON else {
      return "fold \(fold): loss \(readable(report.loss))\(metricsText(report)), of "
        + counted(report.examples, "example")
    }
    var object = JSONObject()
    object["fold"] = .integer(fold)
    object["examples"] = .integer(report.examples)
    object["loss"] = .number(report.loss)
    report.addMetrics(to: &object)
    return JSONValue.object(object).compactText
  }

  /// Means and deviations.
  var summary: String {
    guard isJSON else {
      let texts = columns.map { name, values in
        let (mean, deviation) = Self.moments(values)
        let isShare = name == "accuracy"
        let text =
          isShare
          ? "\(format(100 * mean, 2)) ± \(format(100 * deviation, 2)) %"
          : "\(readable(mean)) ± \(readable(deviation, digits: 2))"
        return "\(name) \(text)"
          + (values.count < folds ? " (of \(values.count) of \(folds) folds)" : "")
      }
      return "mean \(texts.joined(separator: ", ")) over \(folds) folds"
    }
    var (means, deviations) = (JSONObject(), JSONObject())
    for (name, values) in columns {
      let (mean, deviation) = Self.moments(values)
      means[name] = .number(mean)
      deviations[name] = .number(deviation)
    }
    return
      ([
        "folds": .integer(folds), "mean": .object(means), "deviation": .object(deviations),
      ] as JSONValue).compactText
  }

  /// The mean, and √(Σ (x − mean)² / (n − 1)); of one value 0.
  private static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0)
  }
}
