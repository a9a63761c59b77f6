/// Why a ``Watchdog`` ends a rank.
package struct WatchVerdict: Sendable, Equatable {
  /// Whether the rank was asked to stop, and nothing has failed; the run can be resumed then.
  package let isInterruption: Bool
  /// Who waits where for whom.
  package let message: String
  /// The step that the rank was in, counted from 1.
  package let step: Int

  /// How the run ended, in the outcome file's words.
  package var outcome: Outcome {
    Outcome(
      isInterruption ? .interrupted : .failed, step: max(step - 1, 0), message: message)
  }
}
