import LockstepEngine
import LockstepFold
import LockstepPlatform

/// What a listener can ask of the training that it hears.
///
/// ```swift
/// training.listen { event, control in
///   guard case .evaluation(let report, _, _) = event else { return }
///   if report.loss > best { try control.scaleLearningRate(by: 0.5) }
///   if report.loss < wanted { control.stop() }
/// }
/// ```
///
/// Rank 0 decides, and the other ranks hear of it along with the numbers of the next step, so that all do
/// the same at the same place. What is asked for after the last step is without effect, except that a
/// learning rate stands in the last checkpoint.
///
/// It may be used from any thread. Which step is the next one then depends on time, and so do the bits.
public final class TrainingControl: Sendable {
  private let asked = Monitor(StepRequests())

  /// A control that asks for nothing.
  package init() {}

  /// Ends the training in good order: the next step is the last one, and what follows a last step
  /// follows it. Its outcome is `done`. A run that is resumed goes on.
  ///
  /// To end a run as a signal does, resumable and with the outcome `interrupted`, call
  /// `Interruption.request()`.
  ///
  /// - Parameter savesCheckpoint: whether a checkpoint is saved at the end. One that is due there
  ///   anyway is saved in either case, and so are the final weights.
  public func stop(savesCheckpoint: Bool = true) {
    ask(savesCheckpoint ? .finish : [.finish, .unsaved])
  }

  /// Saves a checkpoint after the next step. Without a run directory nothing is saved.
  public func saveCheckpoint() { ask(.save) }

  /// Multiplies the learning rate of the next step, and of all that follow. Factors multiply each other,
  /// and what schedules and plateaus make of the rate. Their product is part of the checkpoint: what is
  /// asked for before a checkpoint is written is in it, so that a run that is resumed has the bits of
  /// one that was not interrupted.
  ///
  /// - Throws: an error where the factor is not positive and finite. The next step throws
  ///   `noLearningRate` where the update has no learning rate.
  public func scaleLearningRate(by factor: Double) throws {
    guard factor > 0, factor.isFinite else {
      throw ArgumentError(
        "TrainingControl", "factor", is: factor, expected: "positive and finite")
    }
    asked.withLock { asked in
      let product = (asked.learningRateFactor ?? 1) * factor
      asked = .scaleLearningRate(by: product).union(asked)
    }
  }

  private func ask(_ requests: StepRequests) { asked.withLock { $0.formUnion(requests) } }

  /// What was asked for since the last call.
  func take() -> StepRequests {
    asked.withLock { asked in
      defer { asked = [] }
      return asked
    }
  }

  /// The factor that was asked for and that no step has carried yet.
  var pendingFactor: Double? { asked.withLock { $0.learningRateFactor } }
}
