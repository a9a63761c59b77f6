import LockstepFiles
import LockstepFold

/// What the files of a run keep of its steps: the metrics of each, the norms of tensors of some, warnings.
/// Without a directory it keeps nothing.
struct StepLog {
  private let step: any BatchStep
  private let directory: RunDirectory?
  private let normsEvery: Int?
  private let schedule: NormSchedule
  /// What finds singular values of gradients; nil where nobody asks for them. It looks on all ranks or on none.
  let singularValues: SingularValueLog?

  /// - Parameters:
  ///   - step: the step that is logged.
  ///   - directory: the run's, on rank 0.
  ///   - options: how often a line of metrics has the norms of all tensors, and whether singular values are logged.
  ///   - lastStep: the step that the run is to end with.
  init(
    of step: any BatchStep, in directory: RunDirectory?, _ options: TrainerOptions, lastStep: Int
  ) {
    self.step = step
    self.directory = directory
    normsEvery = options.parameterNormsEverySteps
    schedule = NormSchedule(lastStep: lastStep)
    singularValues =
      options.logsSingularValues ? SingularValueLog(schedule, of: step.update) : nil
  }

  /// Keeps a step.
  func write(_ report: StepReport, epoch: Int, examplesPerSecond rate: Double) throws {
    guard let directory else { return }
    let isDue = normsEvery.map { report.step % $0 == 0 } ?? false
    try directory.metrics.append(
      report.line(
        epoch: epoch, metricNames: step.source.metricNames,
        epsilon: step.accountant?.epsilon(steps: report.step), examplesPerSecond: rate,
        norms: isDue && report.skipped == nil ? step.update.parameterNorms() : [],
        unfrozen: step.source.unfrozen(inStep: report.step).map(\.name)))
    if schedule.isDue(report) {
      var line = report.normLine(step.update, of: step.source)
      line["singularValues"] = singularValues?.line(step: report.step)
      try directory.norms.append(line)
    }
  }

  /// Keeps what was said behind a step.
  func write(warning: String, step: Int) throws {
    try directory?.warnings.append(["step": .integer(step), "warning": .string(warning)])
  }
}
