import LockstepFiles
import LockstepPlatform

/// Thresholds for clipping by global norm, read off a run's history.
///
/// The norms are those before clipping, of the run's part after its first tenth: the first steps of
/// a run are unlike the rest. A threshold at the q-th percentile is exceeded by 100 − q percent of these norms. A run
/// with that threshold takes other steps and has other norms; where norms have a trend the share says little.
///
/// Source: the practice of choosing the threshold from norms seen in training: R. Pascanu, T.
/// Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, section
/// 3.2; percentiles as in P. Seetharaman et al., "AutoClip", MLSP 2020.
package struct ClipSuggestion: Sendable {
  /// A threshold, and how many norms exceed it.
  package struct Candidate: Sendable, Equatable {
    /// The percentile of the norms.
    package let percentile: Double
    /// The threshold, to three digits.
    package let threshold: Double
    /// The fraction of the norms that exceed it.
    package let clippedFraction: Double
  }

  /// A step whose norm was far above its surroundings'.
  package struct Spike: Sendable, Equatable {
    /// The step's number, from 1.
    package let step: Int
    /// The norm before clipping.
    package let norm: Double
    /// The norm over the median of the norms before.
    package let ratio: Double
    /// The mean loss of the steps behind over that of the steps before.
    package let lossRatio: Double
  }

  /// The number of steps looked at.
  package let stepCount: Int
  /// The fraction of those that the run itself clipped.
  package let clippedFraction: Double
  /// Thresholds from firm to gentle.
  package let candidates: [Candidate]
  /// Norms above three times the running median.
  package let spikes: [Spike]
  /// Which way the norms go; nil where they go none.
  package let trend: NormTrend?
  /// The candidate that the reasoning leads to, of limits that hold for all steps.
  package let choice: Candidate
  /// Why, in sentences.
  package let reasoning: [String]

  /// Looks at a history.
  ///
  /// - Throws: ``ClipSuggestionError`` where there are too few finite norms.
  package init(_ history: RunHistory) throws(ClipSuggestionError) {
    let settled = history.steps.dropFirst(history.steps.count / 10)
    let steps = settled.filter {
      !$0.skipped && $0.gradientNorm.isFinite && $0.gradientNorm > 0
    }
    guard steps.count >= 20 else { throw ClipSuggestionError(found: steps.count) }
    let norms = steps.map(\.gradientNorm).sorted()
    stepCount = steps.count
    clippedFraction = Double(steps.count(where: \.clipped)) / Double(steps.count)
    let candidates = [50, 75, 90, 95, 99].map { percentile in
      let threshold = Self.rounded(Self.percentile(percentile, of: norms))
      let clipped = norms.count { $0 > threshold }
      return Candidate(
        percentile: percentile, threshold: threshold,
        clippedFraction: Double(clipped) / Double(norms.count))
    }
    self.candidates = candidates
    spikes = Self.spikes(steps)
    trend = NormTrend(steps.map(\.gradientNorm))
    (choice, reasoning) = Self.reasoned(
      candidates, spikes, trend, steps: stepCount, clippedFraction: clippedFraction)
  }

  /// What is chosen, and why.
  private static func reasoned(
    _ candidates: [Candidate], _ spikes: [Spike], _ trend: NormTrend?, steps stepCount: Int,
    clippedFraction: Double
  ) -> (Candidate, [String]) {
    var reasoning: [String] = []
    let (median, top) = (candidates[0].threshold, candidates[4].threshold)
    let tail = top / median
    reasoning.append(
      "Of \(stepCount) steps, half have a norm below \(readable(median)) and 99 % one below "
        + "\(readable(top)), \(readable(tail, digits: 3)) times as much.")
    let rising = spikes.filter { $0.lossRatio > 1.1 }.count
    if spikes.isEmpty {
      reasoning.append("No step has a norm above three times the running median.")
    } else {
      reasoning.append(
        "\(spikes.count) step\(spikes.count == 1 ? " has" : "s have") a norm above three times the "
          + "running median; after \(rising) of them the loss was more than 10 % higher.")
    }
    if let trend {
      reasoning.append(
        trend.observation("The usual norm")
          + " One limit does not fit them all, and a run that it holds back stays "
          + "where norms are large: take a clip that follows the norms.")
    }
    let (choice, why) =
      if rising > 0 {
        (candidates[2], "Large steps did harm here: the limit is the 90th percentile.")
      } else if tail > 5 || !spikes.isEmpty {
        (candidates[3], "The tail is heavy, and no harm is seen: the limit is the 95th percentile.")
      } else {
        (candidates[4], "The norms are tame: the 99th percentile guards against the unexpected.")
      }
    let share = readable(100 * choice.clippedFraction, digits: 3)
    reasoning.append(
      "\(why) \(share) % of this run's norms exceed it; a run that it clips has other norms.")
    if clippedFraction > 0.9 {
      reasoning.append(
        "This run clipped \(Int((100 * clippedFraction).rounded())) % of its steps: nearly all "
          + "steps then have one length, and threshold and learning rate turn the same knob. A "
          + "larger threshold wants a smaller learning rate.")
    }
    return (choice, reasoning)
  }

  /// The value below which a percentage of sorted values lies, with linear interpolation.
  static func percentile(_ percentage: Double, of sorted: [Double]) -> Double {
    let place = percentage / 100 * Double(sorted.count - 1)
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
  }

  /// Three digits: more would claim a precision that a history does not have.
  static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let places = 2 - Int(log10(value).rounded(.down))
    let scale = pow(10, Double(abs(places)))
    // Numbers at the ends of Double's range have no room for the scale.
    guard scale.isFinite, (value * scale).isFinite || places < 0 else { return value }
    return places < 0
      ? (value / scale).rounded() * scale : (value * scale).rounded() / scale
  }

  private static func spikes(_ steps: [RunHistory.Step]) -> [Spike] {
    var spikes: [Spike] = []
    for index in steps.indices where index >= 10 {
      let before = steps[max(0, index - 50)..<index]
      let norms = before.map(\.gradientNorm).sorted()
      let median = percentile(50, of: norms)
      let ratio = steps[index].gradientNorm / median
      guard ratio > 3 else { continue }
      func mean(_ range: Range<Int>) -> Double {
        let losses = steps[range.clamped(to: 0..<steps.count)].map(\.loss)
        return losses.isEmpty ? .nan : losses.reduce(0, +) / Double(losses.count)
      }
      spikes.append(
        Spike(
          step: steps[index].step, norm: steps[index].gradientNorm, ratio: ratio,
          lossRatio: mean(index + 1..<index + 11) / mean(index - 10..<index)))
    }
    return spikes
  }

  /// The suggestion as JSON.
  package var json: JSONValue {
    [
      "trend": trend.map {
        ["falls": .bool($0.falls), "medians": .array($0.medians.map { .number($0) })]
      } ?? .null,
      "steps": .integer(stepCount), "clippedFraction": .number(clippedFraction),
      "threshold": .number(choice.threshold), "percentile": .number(choice.percentile),
      "candidates": .array(
        candidates.map {
          [
            "percentile": .number($0.percentile), "threshold": .number($0.threshold),
            "clippedFraction": .number($0.clippedFraction),
          ]
        }),
      "spikes": .array(
        spikes.map {
          [
            "step": .integer($0.step), "gradientNorm": .number($0.norm), "ratio": .number($0.ratio),
            "lossRatio": .number($0.lossRatio),
          ]
        }), "reasoning": .array(reasoning.map { .string($0) }),
    ]
  }
}

/// A history that is too short to read a threshold off it.
package struct ClipSuggestionError: Error, Equatable, CustomStringConvertible {
  /// The number of steps with a finite norm.
  package let found: Int
  package var description: String {
    "a suggestion needs at least 20 steps with finite norms behind the run's first tenth, found "
      + "\(found): train longer"
  }
}
