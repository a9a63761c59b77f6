import LockstepFiles
import LockstepFold
import LockstepOptimization

/// After which steps the norms of all tensors are logged: the first, the last, and every so many between
/// them that a run has a few hundred lines and the measurement costs nothing that can be seen.
struct NormSchedule {
  private let every: Int
  private let last: Int

  /// The most lines of a run, about.
  private static let lines = 250
  /// The fewest steps from one line to the next: weights are read once for a line, and many times for a
  /// step.
  private static let fewest = 10

  /// - Parameter lastStep: the step that the run is to end with.
  init(lastStep: Int) {
    last = lastStep
    every = max(Self.fewest, (lastStep - 1) / Self.lines + 1)
  }

  /// Whether a step is logged. One that was skipped has no norms.
  func isDue(_ report: StepReport) -> Bool {
    report.skipped == nil && isDue(step: report.step)
  }

  /// Whether a step is logged if it is not skipped.
  func isDue(step: Int) -> Bool { step == 1 || step == last || step.isMultiple(of: every) }
}

extension StepReport {
  /// The line of `norms.jsonl`: of each tensor the norm of its gradient before and behind clipping, and
  /// that of its weights; where a constraint holds the norms of units in an interval, the least and the
  /// largest of them, and the interval's ends (the upper one null where there is none).
  func normLine(_ update: any Update, of source: any GradientSource) -> JSONObject {
    var line: JSONObject = ["step": .integer(step)]
    // The directions of Hessian-free steps are no clipped gradients.
    let gradients = hessianFree == nil ? update.parameterNorms() : []
    if !gradients.isEmpty {
      line["gradients"] = .object(
        gradients.reduce(into: JSONObject()) {
          $0[$1.name] = .array([.number($1.before), .number($1.after)])
        })
    }
    let weights = update.weightNorms(source.parameters)
    line["weights"] = .object(
      weights.reduce(into: JSONObject()) { $0[$1.name] = .number($1.norm) })
    let constrained = weights.filter { $0.units != nil }
    if !constrained.isEmpty {
      line["units"] = .object(
        constrained.reduce(into: JSONObject()) { object, tensor in
          guard let units = tensor.units else { return }
          let top = units.interval.maximum
          object[tensor.name] = .array([
            .number(units.least), .number(units.largest), .number(units.interval.minimum),
            top.isFinite ? .number(top) : .null,
          ])
        })
    }
    return line
  }
}
