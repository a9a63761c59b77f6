import Lockstep
import LockstepConfiguration
import LockstepFiles

/// `lockstep evaluate`: loss and metrics of weights on examples.
enum EvaluateCommand: Command {
  static let name = "evaluate"
  static let usage = "RUN-DIRECTORY | CONFIG.json [OPTIONS]"
  static let summary = "compute loss and metrics of trained weights"
  static let discussion = """
    Takes a run directory (its final weights, their average where the run keeps one, or a checkpoint)
    or a configuration with --weights.
    The examples are the test part, or those of --input, which are read as training read its own:
    columns by name, classes by their names, means and deviations of the training part.
    Every example counts exactly once, on any number of ranks.
    """
  static let options =
    TrainedModel.options + [.flag("--json", "print one line of JSON")]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    _ = try arguments.overrides()
    return try Job.run { collective in
      let model = try TrainedModel(path, arguments, isTargetOptional: false, on: collective)
      let configuration = model.named.configuration
      let report = try ModelEvaluator(model.source, on: model.part.examples).evaluation(
        model.partName, shardSize: configuration.evaluationBatchSize, on: collective
      ).run()
      if collective.isRoot {
        let dataset = model.part.examples as? Dataset
        let regression =
          configuration.labelLoss is MeanSquaredError
          ? dataset.flatMap { RegressionScores(loss: report.loss, on: $0) } : nil
        show(
          report, regression, TokenScores(model.description, configuration),
          json: arguments.has("--json"))
      }
      return ExitCode.done
    }
  }

  private static func show(
    _ report: EvaluationReport, _ regression: RegressionScores?, _ tokens: TokenScores?,
    json: Bool
  ) {
    if json {
      var object = JSONObject()
      object["evaluation"] = .string(report.name)
      object["examples"] = .integer(report.examples)
      object["loss"] = .number(report.loss)
      for (name, value) in zip(report.metricNames, report.metrics) { object[name] = .number(value) }
      tokens?.add(report, to: &object)
      if let regression {
        object["rmse"] = .number(regression.rootMeanSquaredError)
        object["r2"] = regression.determination.map { .number($0) } ?? .null
      }
      Console.line(JSONValue.object(object).compactText)
      return
    }
    var text = "\(report.name): loss \(readable(report.loss))"
    text += (tokens?.text(report.loss) ?? "") + metricsText(report)
    if let regression {
      text += ", RMSE \(readable(regression.rootMeanSquaredError))"
      if let determination = regression.determination {
        text += ", R² \(readable(determination))"
      }
    }
    Console.line(text + ", of " + counted(report.examples, "example"))
  }
}

/// How good predictions of numbers are, from their mean squared error.
struct RegressionScores {
  /// √(mean squared error), in the target's unit.
  let rootMeanSquaredError: Double
  /// R² = 1 − Σ(x − t)² / Σ(t − mean t)², over all outputs; nil where the targets are constant.
  let determination: Double?

  /// - Parameter loss: the mean of (x − t)² over all examples and outputs.
  /// - Returns: nil where the labels are no numbers.
  init?(loss: Double, on dataset: Dataset) {
    guard case .targets(let values, let width) = dataset.labels else { return nil }
    rootMeanSquaredError = loss.squareRoot()
    var spread = 0.0
    for column in 0..<width {
      let targets = stride(from: column, to: values.count, by: width).map { Double(values[$0]) }
      let mean = targets.reduce(0, +) / Double(targets.count)
      spread += targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    determination = spread > 0 ? 1 - loss * Double(values.count) / spread : nil
  }
}
