import LockstepFiles
import LockstepPlatform

/// Thresholds for clipping each example's gradient, read off the history of a run that did so.
///
/// Each step tells percentiles of its examples' norms before clipping. A threshold is the median of one of these
/// over the run's steps after its first tenth.
///
/// Source: for private training the median, G. Andrew et al., "Differentially private learning with adaptive
/// clipping", NeurIPS 2021: noise grows with the threshold, and a lower one biases gradients little.
package struct ExampleClipSuggestion: Sendable, Equatable {
  /// A threshold, and the percentage of the examples' norms below it.
  package struct Candidate: Sendable, Equatable {
    package let percentile: Int
    /// To three digits.
    package let threshold: Double
  }

  /// The number of steps looked at.
  package let stepCount: Int
  /// The mean share of the examples that the run itself clipped.
  package let clippedFraction: Double
  /// Thresholds from firm to gentle.
  package let candidates: [Candidate]
  /// The candidate that the reasoning leads to.
  package let choice: Candidate
  /// Why, in sentences.
  package let reason: String

  /// Looks at a history; nil where its steps tell nothing of examples.
  package init?(_ history: RunHistory) {
    let settled = history.steps.dropFirst(history.steps.count / 10)
    let steps = settled.compactMap(\.exampleNorms).filter { norms in
      norms.percentiles.allSatisfy { $0.isFinite && $0 > 0 }
    }
    guard !steps.isEmpty else { return nil }
    stepCount = steps.count
    clippedFraction = steps.reduce(0) { $0 + $1.clippedFraction } / Double(steps.count)
    candidates = RunHistory.ExampleNorms.percentiles.enumerated().map { place, percentile in
      Candidate(
        percentile: percentile,
        threshold: ClipSuggestion.rounded(
          ClipSuggestion.percentile(50, of: steps.map { $0.percentiles[place] }.sorted())))
    }
    let isPrivate = steps.contains { $0.isPrivate }
    let wanted = isPrivate ? 50 : 90
    choice = candidates.first { $0.percentile == wanted } ?? candidates[0]
    let trend = NormTrend(steps.map { $0.percentiles[1] })
    let advice =
      isPrivate
      ? "Noise grows with the threshold, and a lower one changes the gradient's direction little: clip at the "
        + "median of the examples' norms."
      : "Clip at the 90th percentile of the examples' norms, which is below those that stand out; for private "
        + "training take the median."
    reason =
      (trend.map {
        $0.observation("The median of the examples' norms") + " One norm does not fit them all. "
      } ?? "")
      + advice
  }

  /// The suggestion as JSON, for a run with these clips.
  package func json(for run: RunClips) -> JSONValue {
    [
      "steps": .integer(stepCount), "clippedFraction": .number(clippedFraction),
      "threshold": .number(choice.threshold), "percentile": .integer(choice.percentile),
      "candidates": .array(
        candidates.map {
          ["percentile": .integer($0.percentile), "threshold": .number($0.threshold)]
        }), "reasoning": .string(reason),
      "clip": run.value(exampleNorm: choice.threshold),
    ]
  }
}
