import LockstepFiles

/// What a trainer tells its caller on rank 0.
public enum TrainingEvent: Sendable, Equatable {
  /// The run goes on from a checkpoint.
  case resumed(CheckpointStore.Restored)
  /// A step is done.
  case step(TrainingStepReport, epoch: Int, examplesPerSecond: Double)
  /// An evaluation is done.
  case evaluation(EvaluationReport, step: Int, epoch: Int)
  /// A checkpoint was written.
  case checkpoint(path: String, step: Int)
  /// The run has ended.
  case ended(Outcome)
}

extension TrainingStepReport {
  /// The line of `metrics.jsonl`.
  func line(epoch: Int, metricNames: [String], examplesPerSecond: Double) -> JSONObject {
    var line = JSONObject()
    line["step"] = .integer(step)
    line["epoch"] = .integer(epoch)
    line["loss"] = .number(loss)
    for (name, value) in zip(metricNames, metrics) { line[name] = .number(value) }
    line["gradientNorm"] = .number(update.gradientNorm)
    line["clippedGradientNorm"] = .number(update.clippedGradientNorm)
    line["clipped"] = .bool(update.clipped)
    line["learningRate"] = .number(update.learningRate)
    line["examples"] = .integer(examples)
    line["examplesPerSecond"] = .number(examplesPerSecond)
    return line
  }
}

extension EvaluationReport {
  /// The line of `evaluations.jsonl`.
  func line(step: Int, epoch: Int) -> JSONObject {
    var line = JSONObject()
    line["step"] = .integer(step)
    line["epoch"] = .integer(epoch)
    line["evaluation"] = .string(name)
    line["loss"] = .number(loss)
    for (name, value) in zip(metricNames, metrics) { line[name] = .number(value) }
    line["examples"] = .integer(examples)
    return line
  }
}
