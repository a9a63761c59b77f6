/// Multiplies the learning rate by a factor whenever a metric has not improved for a while.
///
/// A metric is better than the best so far if it beats it by more than `threshold`, relative to it
/// or absolute. When more than `patience` reports in a row were not better, the rate is multiplied
/// by `factor`, down to `minimum`, and the next `cooldown` reports count as neither. A metric that is
/// not a number is not better. (PyTorch's `ReduceLROnPlateau` with eps = 0.)
public struct ReduceOnPlateau: Sendable, Equatable {
  /// Which way the metric is to go.
  public enum Goal: String, Sendable, Equatable, CaseIterable {
    /// Down: a smaller metric is better. (`min` in PyTorch and Keras.)
    case minimize
    /// Up: a larger metric is better. (`max` in PyTorch and Keras.)
    case maximize
  }

  /// How the threshold is meant.
  public enum Comparison: String, Sendable, Equatable, CaseIterable {
    /// A part of the best: better is below best · (1 − threshold), or above best · (1 + threshold).
    case relative
    /// In the metric's unit: better is below best − threshold, or above best + threshold.
    case absolute
  }

  /// What the learning rate is multiplied by, in 0..<1. (PyTorch's and Keras's `factor`.)
  package let factor: Double
  /// The number of reports in a row that may be no better before the rate is reduced, at least 0.
  package let patience: Int
  /// How much a better metric must beat the best by, at least 0. (Keras's `min_delta` where absolute.)
  package let threshold: Double
  /// How the threshold is meant. (PyTorch's `threshold_mode`.)
  package let comparison: Comparison
  /// Which way the metric is to go. (PyTorch's and Keras's `mode`.)
  package let goal: Goal
  /// The number of reports after a reduction that are not counted as worse, at least 0.
  package let cooldown: Int
  /// The rate that reductions stop at.
  package let minimum: Double

  /// Makes a reduction with these numbers; the defaults are those of PyTorch's `ReduceLROnPlateau`.
  public init(
    factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4,
    comparison: Comparison = .relative, goal: Goal = .minimize, cooldown: Int = 0,
    minimum: Double = 0
  ) {
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.comparison = comparison
    self.goal = goal
    self.cooldown = cooldown
    self.minimum = minimum
  }

  /// Throws a ``HyperparameterError`` where a number makes no sense.
  package func validate() throws {
    let owner = "reduceOnPlateau schedule"
    try HyperparameterRange.decayRate.check(owner, "factor", factor)
    try HyperparameterRange.integer(atLeast: 0).check(owner, "patience", Double(patience))
    try HyperparameterRange.nonNegative.check(owner, "threshold", threshold)
    try HyperparameterRange.integer(atLeast: 0).check(owner, "cooldown", Double(cooldown))
    try HyperparameterRange.nonNegative.check(owner, "minimum", minimum)
  }

  /// Whether a metric is better than none.
  func isBetterThanNone(_ metric: Double) -> Bool {
    goal == .minimize ? metric < .infinity : metric > -.infinity
  }

  func isBetter(_ metric: Double, than best: Double) -> Bool {
    // As PyTorch has it: a relative margin of a negative best points the other way.
    switch (goal, comparison) {
    case (.minimize, .relative): metric < best * (1 - threshold)
    case (.minimize, .absolute): metric < best - threshold
    case (.maximize, .relative): metric > best * (1 + threshold)
    case (.maximize, .absolute): metric > best + threshold
    }
  }
}
