import LockstepFiles
import LockstepOptimization

/// The largest singular value of every matrix's gradient, after the steps whose norms are logged.
final class SingularValueLog: TensorObserver {
  private let schedule: NormSchedule
  private let measure: LargestSingularValues
  private var found: (step: Int, values: [(name: String, value: Double)])?

  init(_ schedule: NormSchedule, of update: any Update) {
    self.schedule = schedule
    measure = LargestSingularValues(update.layout)
  }

  func isDue(step: Int) -> Bool { schedule.isDue(step: step) }

  func see(gradient: UnsafeBufferPointer<Float>, step: Int) {
    found = (step, measure.values(gradient))
  }

  func see(weights: UnsafeBufferPointer<Float>, step: Int) {}

  /// What the line of a step says; nil where the step was not looked at.
  func line(step: Int) -> JSONValue? {
    guard let found, found.step == step else { return nil }
    return .object(found.values.reduce(into: JSONObject()) { $0[$1.name] = .number($1.value) })
  }
}
