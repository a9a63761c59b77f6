import LockstepCollective
import LockstepFold
import LockstepConfiguration
import LockstepTraining
import Testing

/// What scores evaluations must exist, before the first step.
@Suite struct ScoreMetricTests {
  private func run(_ settings: String, data: String = #""testFraction": 0.2"#) throws
    -> ConfiguredRun
  {
    let text = #"""
      {"data": {"type": "blobs", "examples": 100, \#(data)}, "model": {"type": "mlp", "sizes": [2]},
       \#(settings)}
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
