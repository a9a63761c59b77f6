import LockstepCollective
import LockstepFold

/// What looks at gradients and weights after some steps, to show how they are spread.
///
/// The gradient comes whole to rank 0, which a sharded update gathers for that step besides; no bit of the
/// training depends on it.
package protocol TensorObserver: AnyObject {
  /// Whether a step, counted from 1, is looked at: the same on every rank.
  func isDue(step: Int) -> Bool

  /// Sees the folded gradient before it is clipped, in the layout of the trainable parameters. On rank 0.
  func see(gradient: UnsafeBufferPointer<Float>, step: Int) throws

  /// Sees the weights that the step has made. On rank 0, after the gradient.
  func see(weights: UnsafeBufferPointer<Float>, step: Int) throws
}

extension [any TensorObserver] {
  /// Looks at the gradient of the next step where that is due. Hessian-free steps have none that is clipped.
  func prepare(_ step: any BatchStep, on collective: any Collective) {
    guard let step = step as? TrainingStep else { return }
    let next = step.completed + 1
    guard contains(where: { $0.isDue(step: next) }) else { return step.onFolded = nil }
    step.onFolded = { gradient in
      guard collective.isRoot else { return }
      for observer in self where observer.isDue(step: next) {
        try observer.see(gradient: gradient, step: next)
      }
    }
  }

  /// Looks at what a step has made, where that is due.
  func see(
    _ report: StepReport, of source: any GradientSource, on collective: any Collective
  ) throws {
    guard collective.isRoot, report.skipped == nil else { return }
    for observer in self where observer.isDue(step: report.step) {
      try observer.see(weights: UnsafeBufferPointer(source.parameters), step: report.step)
    }
  }
}
