import LockstepEngine
import LockstepCollective
import LockstepFold
import LockstepConfiguration
import LockstepOptimization
import LockstepTraining
import Testing

/// What scores evaluations must exist, before the first step.
@Suite struct ScoreMetricTests {
  private func run(
    _ settings: String, data: String = #""testFraction": 0.2"#, type: String = "blobs",
    outputs: Int = 2
  ) throws -> ConfiguredRun {
    let data = data.isEmpty ? #""testFraction": 0.2"# : data
    let text = #"""
      {"data": {"type": "\#(type)", "examples": 100, \#(data)},
       "model": {"type": "mlp", "sizes": [\#(outputs)]}, \#(settings)}
      """#
    let configuration = try RunConfiguration(parsing: Array(text.utf8), source: "test.json")
    return try ConfiguredRun(
      configuration, data: try configuration.data.load(), on: SoloCollective())
  }

  private let plateau = #""optimizer": {"schedule": {"type": "reduceOnPlateau"}}"#
  private let maximizing =
    #""optimizer": {"schedule": {"type": "reduceOnPlateau", "goal": "maximize"}}"#

  @Test func knownNamesAreTaken() throws {
    for name in ["loss", "accuracy"] {
      _ = try run(#""evaluate": {"scoreMetric": "\#(name)"}"#)
    }
    _ = try run(plateau)
    _ = try run(maximizing + #", "evaluate": {"scoreMetric": "accuracy"}"#)
  }

  @Test func othersAreRefused() {
    func message(_ settings: String, data: String = #""testFraction": 0.2"#) -> String {
      do {
        _ = try run(settings, data: data)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      message(#""evaluate": {"scoreMetric": "acuracy"}"#)
        == "test.json: 'evaluate.scoreMetric' must be one of 'loss', 'accuracy'; found 'acuracy'; "
        + "did you mean 'accuracy'?")
    // Misspelled where there is nothing to score, too.
    #expect(
      message(#""evaluate": {"scoreMetric": "f1"}"#, data: #""shuffle": true"#)
        .contains("found 'f1'"))
    #expect(
      message(plateau, data: #""shuffle": true"#)
        .hasPrefix(
          "test.json: 'optimizer.schedule' is 'reduceOnPlateau', which follows evaluations"))
    #expect(
      message(maximizing).contains("set 'evaluate.scoreMetric' to one of 'accuracy'"))
    #expect(
      message(maximizing + #", "evaluate": {"scoreMetric": "loss"}"#).contains("is 'maximize'"))
  }

  /// What is named under `metrics` is reported, and can score.
  @Test func metricsAreNamed() throws {
    let named = #""metrics": [{"type": "topKAccuracy", "count": 2}]"#
    #expect(try run(named).source.metricNames == ["accuracy", "top2Accuracy"])
    #expect(try run(#""metrics": "topKAccuracy""#).source.metricNames.last == "top5Accuracy")
    #expect(try run(#""seed": 2"#).source.metricNames == ["accuracy"])
    _ = try run(named + #", "evaluate": {"scoreMetric": "top2Accuracy"}"#)
    func message(_ settings: String) -> String {
      do {
        _ = try run(settings)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(message(#""metrics": ["topKAcuracy"]"#).contains("did you mean 'topKAccuracy'?"))
    #expect(message(#""metrics": [{"type": "topKAccuracy", "k": 3}]"#).contains("unknown key"))
    #expect(
      message(#""metrics": [{"type": "topKAccuracy", "count": 0}]"#).contains("metrics.0.count"))
    // Two of one name, and one that does not fit the labels.
    #expect(
      message(#""metrics": ["topKAccuracy", "topKAccuracy"]"#)
        .contains("two metrics are called 'top5Accuracy'"))
    #expect(message(#""metrics": "rSquared""#).contains("rSquared: expects"))
  }

  /// Of errors the smallest is the best, of other metrics the largest.
  @Test func errorsScoreByTheirNegative() throws {
    func scored(_ metric: String) throws -> (score: Double, value: Double) {
      let run = try run(
        #""loss": "huber", "metrics": ["meanAbsoluteError", "rSquared", "rootMeanSquaredError"], "#
          + #""evaluate": {"scoreMetric": "\#(metric)"}"#,
        data: #""testFraction": 0.2, "weights": [1, 2]"#, type: "linear", outputs: 1)
      let report = try run.evaluations[0].run()
      return (report.score(by: metric), try #require(report[metric]))
    }
    for metric in ["meanAbsoluteError", "rootMeanSquaredError"] {
      let (score, value) = try scored(metric)
      #expect(value > 0 && score == -value)
    }
    let (score, value) = try scored("rSquared")
    #expect(score == value)
  }

  /// Metrics of whole evaluations are no numbers of steps, score evaluations, and are refused where the loss
  /// or the test part does not allow them.
  @Test func evaluationMetricsAreNamed() throws {
    let metrics = #""metrics": ["f1", "auroc", "confusionMatrix", "perplexity"]"#
    let made = try run(metrics + #", "evaluate": {"scoreMetric": "macroF1"}"#)
    #expect(made.source.metricNames == ["accuracy"])
    let report = try made.evaluations[0].run()
    #expect(report.metricNames == ["accuracy", "macroF1", "auroc", "perplexity"])
    #expect(report.metrics.allSatisfy { $0.isFinite })
    #expect(report["perplexity"] == ExactMath.exponential(report.loss))
    #expect(report.tables.map(\.name) == ["confusionMatrix"])
    #expect(report.tables[0].values.reduce(0, +) == Double(report.examples))
    func message(_ settings: String, _ data: String = #""testFraction": 0.2"#) -> String {
      do {
        _ = try run(settings, data: data)
        return "accepted"
      } catch { return "\(error)" }
    }
    // Without a test part too.
    #expect(message(#""metrics": "rSquared""#, #""shuffle": true"#).contains("rSquared"))
    #expect(
      message(#""metrics": ["f1", "f1"]"#).contains("two metrics are called 'macroF1'"))
    #expect(
      message(
        #""metrics": ["perplexity"], "loss": {"type": "softmaxCrossEntropy", "labelSmoothing": 0.1}"#
      )
      .contains("the metric 'perplexity' is e^loss"))
    #expect(
      message(#""metrics": ["f1"], "evaluate": {"scoreMetric": "f1"}"#)
        .contains("must be one of 'loss', 'accuracy', 'macroF1'"))
    #expect(
      message(#""metrics": [{"type": "f1", "average": "mean"}]"#).contains("metrics.0.average"))
  }

  @Test func earlyStoppingNeedsATestPart() {
    func message(_ settings: String, _ data: String) -> String {
      do {
        _ = try run(settings, data: data)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(
      message(#""earlyStopping": {}"#, #""shuffle": true"#).contains("follows evaluations"))
    #expect(message(#""earlyStopping": {"patience": 0}"#, "").contains("earlyStopping.patience"))
    #expect(message(#""maxSeconds": 0"#, "").contains("maxSeconds"))
  }

  /// The loss is best where it is smallest; a loss that is not finite is never best.
  @Test func scores() {
    func report(_ loss: Double, _ accuracy: Double) -> EvaluationReport {
      EvaluationReport(
        name: "test", examples: 1, loss: loss, metricNames: ["accuracy"], metrics: [accuracy])
    }
    #expect(report(2, 0.5).score(by: nil) == -2)
    #expect(report(2, 0.5).score(by: "loss") == -2)
    #expect(report(2, 0.5).score(by: "accuracy") == 0.5)
    #expect(report(.nan, 0.5).score(by: "accuracy").isNaN)
  }
}
