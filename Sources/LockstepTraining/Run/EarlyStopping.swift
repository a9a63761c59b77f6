import LockstepEngine
import LockstepFiles

/// When a run ends because its evaluations have stopped improving.
package struct EarlyStopping: Sendable, Equatable {
  /// After how many evaluations in a row without an improvement the run ends.
  package var patience: Int
  /// How much better than the best before an evaluation must be.
  package var minimumImprovement: Double
  /// Whether the final weights are those of the best evaluation.
  package var restoresBest: Bool

  /// Makes a rule. What is followed is the first evaluation's loss, or `TrainerOptions.scoreMetric`.
  ///
  /// - Parameters:
  ///   - patience: after how many evaluations in a row without an improvement the run ends; at least 1.
  ///   - minimumImprovement: how much better than the best before an evaluation must be, in the unit of what
  ///     is followed; not negative.
  ///   - restoresBest: whether the final weights are those of the best evaluation.
  package init(patience: Int, minimumImprovement: Double = 0, restoresBest: Bool = true) {
    self.patience = patience
    self.minimumImprovement = minimumImprovement
    self.restoresBest = restoresBest
  }
}

/// What a run with ``EarlyStopping`` has seen. It is part of every checkpoint, and the same on all ranks, as
/// evaluations are.
final class EarlyStoppingState {
  private let rule: EarlyStopping
  private let best = Arena<Double>(count: 1)
  private let waited = Arena<Int64>(count: 1)

  init(_ rule: EarlyStopping) {
    self.rule = rule
    best.buffer[0] = -.infinity
  }

  var stateEntries: [StateEntry] {
    [StateEntry("earlyStopping.best", best), StateEntry("earlyStopping.waited", waited)]
  }

  /// Whether the run has come to its end.
  var isOver: Bool { waited.buffer[0] >= Int64(rule.patience) }

  /// Hears of an evaluation.
  ///
  /// - Parameter score: how good it is, larger is better; NaN is no improvement.
  func note(_ score: Double) {
    if score > best.buffer[0] + rule.minimumImprovement {
      best.buffer[0] = score
      waited.buffer[0] = 0
    } else {
      waited.buffer[0] += 1
    }
  }

  /// Why the run ends, in words.
  func reason(_ metric: String?) -> String {
    "no better \(metric ?? "loss") in \(counted(rule.patience, "evaluation")): the run ends early"
      + (rule.restoresBest ? ", with the weights of the best one" : "")
  }
}
