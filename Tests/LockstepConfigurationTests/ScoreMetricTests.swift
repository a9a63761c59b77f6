import LockstepCollective
import LockstepFold
import LockstepConfiguration
import LockstepTraining
import Testing

/// What scores evaluations must exist, before the first step.
@Suite struct ScoreMetricTests {
  private func run(
    _ settings: String, data: String = #""testFraction": 0.2"#, type: String = "blobs",
    outputs: Int = 2
  ) throws -> ConfiguredRun {
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

  /// The largest error would be kept as the best.
  @Test func errorsDoNotScore() throws {
    func message(_ metric: String) -> String {
      do {
        _ = try run(
          #""loss": "huber", "metrics": ["meanAbsoluteError", "rSquared"], "#
            + #""evaluate": {"scoreMetric": "\#(metric)"}"#,
          data: #""testFraction": 0.2, "weights": [1, 2]"#, type: "linear", outputs: 1)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(message("meanAbsoluteError").contains("is smaller where predictions are better"))
    #expect(message("rSquared") == "accepted")
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
