import LockstepFiles
import LockstepPlatform

/// How many times its running mean a tensor's norm may be, for the clip `adaGC`, read off the norms of tensors that a
/// run logged.
///
/// Each candidate is run over the logged norms as the clip would have been, with a mean that decays by β for each
/// step from one line to the next. The least one is taken that clips in as few steps as the percentile says.
package struct AdaGCSuggestion: Sendable, Equatable {
  /// The clip's default.
  static let beta = 0.98
  private static let candidates = [1.05, 1.2, 1.5, 2, 3, 5, 10]

  /// The largest norm as a multiple of the mean.
  package let relative: Double
  /// The largest global norm in the clip's first steps.
  package let absolute: Double
  /// The fraction of the steps in which one tensor at least would have been clipped.
  package let clippedFraction: Double

  /// Looks at norms of tensors that a ``TensorClipSuggestion`` was made of.
  ///
  /// - Parameters:
  ///   - percentile: of the steps, those that are left alone.
  ///   - absolute: the threshold for the norm of all tensors.
  package init(_ table: NormHistory.Table, percentile: Double, absolute: Double) {
    let fractions = Self.candidates.map { Self.clippedFraction(table, relative: $0) }
    let place =
      fractions.firstIndex { $0 <= 1 - percentile / 100 } ?? Self.candidates.count - 1
    relative = Self.candidates[place]
    clippedFraction = fractions[place]
    self.absolute = absolute
  }

  /// The part of the steps behind the first tenth in which a tensor's norm exceeds a multiple of its mean.
  private static func clippedFraction(_ table: NormHistory.Table, relative: Double) -> Double {
    let first = table.steps.count / 10
    var isClipped = [Bool](repeating: false, count: table.steps.count)
    for row in table.values {
      var mean: Double?
      for (column, norm) in row.enumerated() where norm.isFinite && norm > 0 {
        guard let old = mean, column > 0 else {
          mean = norm
          continue
        }
        let clips = norm > relative * old
        if clips, column >= first { isClipped[column] = true }
        let weight = pow(beta, Double(table.steps[column] - table.steps[column - 1]))
        mean = weight * old + (1 - weight) * (clips ? relative * old : norm)
      }
    }
    return Double(isClipped.count { $0 }) / Double(max(table.steps.count - first, 1))
  }

  /// The clip, as a configuration names it.
  package var clip: JSONValue {
    ["type": "adaGC", "relative": .number(relative), "absolute": .number(absolute)]
  }

  /// The suggestion as JSON.
  package var json: JSONValue {
    ["clippedFraction": .number(clippedFraction), "clip": clip]
  }
}
