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
    Every example counts exactly once, on any number of ranks. --set metrics=… computes other metrics.
    """
  static let options =
    TrainedModel.options + [
      .flag("--classes", "show the confusion matrix, and precision, recall and F1 of each class"),
      .flag("--json", "print one line of JSON"),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    _ = try arguments.overrides()
    return try Job.run { collective in
      let model = try TrainedModel(path, arguments, isTargetOptional: false, on: collective)
      let configuration = model.named.configuration
      let report = try ModelEvaluator(model.source, on: model.part.examples).evaluation(
        model.partName, shardSize: configuration.evaluationBatchSize,
        units: LabelUnits.all(model.description),
        adding: arguments.has("--classes") ? try classTables(model) : [], on: collective
      ).run()
      // The loss of several heads is a sum, and each has metrics of its own.
      let hasHeads = !configuration.heads.isEmpty
      let columns =
        hasHeads ? nil : try TargetErrors(model, loss: configuration.labelLoss, on: collective)
      if collective.isRoot {
        let regression =
          configuration.labelLoss is MeanSquaredError && !hasHeads
          ? (try? model.part.labels).flatMap {
            RegressionScores(
              loss: report.loss, of: $0, columns: columns,
              weights: (model.part.examples as? any LabelledSource)?.weights)
          } : nil
        show(
          report, regression, TokenScores(model.description, configuration),
          json: arguments.has("--json"))
      }
      return ExitCode.done
    }
  }

  /// What `--classes` shows: no matrix where several labels of an example may be right.
  private static func classTables(_ model: TrainedModel) throws -> [[any EvaluationMetric]] {
    let configuration = model.named.configuration
    let losses =
      configuration.heads.isEmpty ? [configuration.labelLoss] : configuration.heads.map(\.loss)
    return zip(losses, try model.source.outputShapes()).map { loss, shape in
      // Heads of numbers have no classes; alone such a loss says so itself.
      let meaning = (loss as? any InterpretingLoss)?.outputMeaning
      if losses.count > 1, meaning != .classLogits, meaning != .labelLogits { return [] }
      let isExclusive = loss is SoftmaxCrossEntropy || shape.reduce(1, *) == 1
      return isExclusive ? [ConfusionMatrix(), PerClass()] : [PerClass()]
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
      report.addMetrics(to: &object)
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
      let weighted = regression.isWeighted ? "weighted " : ""
      if report["rootMeanSquaredError"] == nil { text += ", \(weighted)RMSE \(regression.text)" }
      if report["rSquared"] == nil, let determination = regression.determination {
        text += ", \(weighted)R² \(readable(determination))"
      }
    }
    Console.line(text + ", of " + counted(report.examples, "example"))
    for table in report.tables { Console.line(table.text) }
  }
}
