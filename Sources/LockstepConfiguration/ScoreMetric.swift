import LockstepFold
import LockstepFiles
import LockstepLayers
import LockstepTraining

extension RunConfiguration {
  /// Makes sure that what scores evaluations exists: the metric of `evaluate.scoreMetric`, and what a
  /// schedule that reduces on plateaus follows.
  ///
  /// - Parameters:
  ///   - metrics: the names of the metrics that the loss and the model give.
  ///   - hasTest: whether there is a test part.
  func checkScore(metrics: [String], hasTest: Bool) throws(ConfigurationError) {
    func refuse(_ path: String, _ reason: String) -> ConfigurationError {
      ConfigurationError(source: source, path: path, reason: "'\(path)' \(reason)")
    }
    let loss = EvaluationReport.lossName
    let names = [loss] + metrics
    let known = names.map { "'\($0)'" }.joined(separator: ", ")
    if let name = options.scoreMetric, !names.contains(name) {
      let hint = NearestName.find(name, among: names).map { "; did you mean '\($0)'?" } ?? ""
      throw refuse("evaluate.scoreMetric", "must be one of \(known); found '\(name)'\(hint)")
    }
    if options.earlyStopping != nil, !hasTest {
      throw refuse(
        "earlyStopping",
        "follows evaluations, and the data has no test part: set 'data.testFraction', name test files, or "
          + "leave it out")
    }
    guard let minimizes = update.plateauMinimizes else { return }
    guard hasTest else {
      throw refuse(
        "optimizer.schedule",
        "is 'reduceOnPlateau', which follows evaluations, and the data has no test part: set "
          + "'data.testFraction', name test files, or take another schedule")
    }
    let name = options.scoreMetric ?? loss
    let isError =
      name == loss
      || (heads.isEmpty
        ? self.metrics.contains { $0 is any ErrorMetric && $0.name == name }
        : heads.losses.errorNames.contains(name))
    guard !minimizes, isError else { return }
    throw refuse(
      "optimizer.schedule.goal",
      "is 'maximize', and the \(name) is to be minimized: "
        + (metrics.isEmpty
          ? "there is no other metric here, so leave 'goal' out"
          : "set 'evaluate.scoreMetric' to one of "
            + metrics.map { "'\($0)'" }.joined(separator: ", ") + ", or leave 'goal' out"))
  }
}
