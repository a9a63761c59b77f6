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
      let columns = try TargetErrors(
        model, loss: configuration.labelLoss, on: collective)
      if collective.isRoot {
        let regression =
          configuration.labelLoss is MeanSquaredError
          ? (try? model.part.labels).flatMap {
            RegressionScores(
              loss: report.loss, of: $0, columns: columns,
              weights: (model.part.examples as? Dataset)?.weights)
          } : nil
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
        object["rmse"] = regression.json
        object["r2"] = regression.determination.map { .number($0) } ?? .null
      }
      Console.line(JSONValue.object(object).compactText)
      return
    }
    var text = "\(report.name): loss \(readable(report.loss))"
    text += (tokens?.text(report.loss) ?? "") + metricsText(report)
    if let regression {
      text += ", RMSE \(regression.text)"
      if let determination = regression.determination {
        text += ", R² \(readable(determination))"
      }
    }
    Console.line(text + ", of " + counted(report.examples, "example"))
  }
}
