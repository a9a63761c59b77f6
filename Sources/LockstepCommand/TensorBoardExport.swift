import LockstepFiles
import LockstepPlatform
import LockstepReports
import LockstepTensorBoard

/// Writes what runs logged as event files of TensorBoard, a folder a run.
enum TensorBoardExport {
  /// Writes a run's numbers, its configuration and its confusion matrix.
  ///
  /// - Returns: the file.
  static func write(_ run: RunRecord, to folder: String) throws -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let time = Double(now.tv_sec)
    let file = try EventFile(in: "\(folder)/\(run.name)", time: time)
    func write(_ values: [(tag: String, value: Event.Value)], _ step: Int) throws {
      try file.append(Event(time: time, step: step, .values(values)))
    }
    if let configuration = run.configuration {
      try write([("configuration", .text(TensorBoardLog.markdown(configuration)))], 0)
    }
    for step in run.history.steps {
      try write(values(of: step, run.history.metricNames), step.step)
    }
    for evaluation in run.history.evaluations {
      let numbers =
        [("loss/\(evaluation.name)", evaluation.loss)]
        + evaluation.metrics.map { ("\($0.name)/\(evaluation.name)", $0.value) }
      try write(numbers.map { ($0.0, .scalar(Float($0.1))) }, evaluation.step)
    }
    if let evaluation = run.evaluation, let confusion = evaluation.confusion,
      let picture = ConfusionPicture(confusion.counts.map { $0.map(Double.init) })
    {
      try write(
        [
          (
            "confusion/\(evaluation.part)",
            .image(
              png: picture.png, width: picture.side, height: picture.side,
              channels: picture.channels)
          )
        ], evaluation.step)
    }
    return file.path
  }

  private static func values(
    of step: RunHistory.Step, _ metricNames: [String]
  ) -> [(tag: String, value: Event.Value)] {
    var values: [(String, Double)] = [("loss/training", step.loss)]
    values += zip(metricNames, step.metrics).map { ("\($0)/training", $1) }
    if !step.skipped {
      values += [
        ("gradientNorm/beforeClipping", step.gradientNorm),
        ("gradientNorm/afterClipping", step.clippedGradientNorm),
        ("clipping/coefficient", step.coefficient), ("clipping/clipped", step.clipped ? 1 : 0),
        ("learningRate", step.learningRate),
      ]
    }
    values.append(("examplesPerSecond", step.examplesPerSecond))
    return values.map { ($0.0, .scalar(Float($0.1))) }
  }
}
