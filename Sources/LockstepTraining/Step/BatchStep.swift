import LockstepFold
import LockstepEngine
import LockstepOptimization

/// What takes a step on a batch over all ranks, as a transaction: seen from the trainer.
package protocol BatchStep: AnyObject {
  /// Who computes and adds what.
  var plan: FoldPlan { get }
  /// The model.
  var source: any GradientSource { get }
  /// Clips, optimizer and constraints.
  var update: any Update { get }
  /// The number of steps completed.
  var completed: Int { get }
  /// The number of steps up to now, without another in between, that were skipped because something
  /// was not finite.
  var skippedInARow: Int { get }
  /// What tells how private the steps are; nil where they are not.
  var accountant: PrivacyAccountant? { get }
  /// The step's own state, beside the source's and the update's.
  var stateEntries: [StateEntry] { get }

  /// Takes one step on a batch; see ``TrainingStep/run(_:requests:failure:inspect:)``.
  func run(
    _ batch: StepBatch, requests: StepRequests, failure: (any Error)?, inspect: () throws -> Void
  ) throws -> StepReport
}

extension BatchStep {
  /// Steps are not private.
  package var accountant: PrivacyAccountant? { nil }
}
