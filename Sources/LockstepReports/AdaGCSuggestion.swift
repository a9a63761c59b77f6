import LockstepFiles

/// The numbers of the clip `adaGC`, read off the norms of tensors that a run logged.
///
/// The clip itself is run over the logged norms: in its warm-up it limits the global norm, and the means start from the
/// least norms that this leaves; behind it each tensor is limited to a multiple of its mean. Norms are logged after
/// some steps only, and hold here until the next ones; the first hold from the run's first step.
package struct AdaGCSuggestion: Sendable, Equatable {
  /// The clip's defaults.
  static let beta = 0.98
  static let warmup = 100
  private static let candidates = [1.05, 1.2, 1.5, 2, 3, 5, 10]
  /// What a norm may exceed its limit by, for rounding.
  private static let slack = 0x1p-22

  /// The largest norm as a multiple of the mean: the least one that clips in as few of the steps behind the warm-up as
  /// the percentile says.
  package let relative: Double
  /// The largest global norm in the clip's first steps.
  package let absolute: Double
  /// The fraction of the run's logged steps that it would clip, were the norms the same.
  package let clippedFraction: Double

  /// Looks at norms of tensors that a ``TensorClipSuggestion`` was made of.
  ///
  /// - Parameters:
  ///   - percentile: of the steps, those that are left alone.
  ///   - absolute: the threshold for the norm of all tensors. Where the warm-up's own norms have a larger one at the
  ///     percentile, that is taken: the first steps of a run can be longer than the rest.
  package init(_ table: NormHistory.Table, percentile: Double, absolute: Double) {
    let early = table.steps.indices.filter { table.steps[$0] <= Self.warmup }
    let first = early.map { Self.norm(Self.column($0, of: table)) }.filter(\.isFinite).sorted()
    let limit =
      first.isEmpty
      ? absolute
      : max(absolute, ClipSuggestion.rounded(ClipSuggestion.percentile(percentile, of: first)))
    let found = Self.candidates.map { Self.clippedLines(table, relative: $0, absolute: limit) }
    let shares = found.map { Self.share($0.dropFirst(early.count)) }
    let place = shares.firstIndex { $0 <= 1 - percentile / 100 } ?? Self.candidates.count - 1
    relative = Self.candidates[place]
    clippedFraction = Self.share(found[place][...])
    self.absolute = limit
  }

  /// The norms of a logged step; what a line lacks does not move yet.
  private static func column(_ column: Int, of table: NormHistory.Table) -> [Double] {
    table.values.map { $0[column].isNaN ? 0 : $0[column] }
  }

  private static func norm(_ norms: [Double]) -> Double {
    norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private static func share(_ lines: ArraySlice<Bool>) -> Double {
    Double(lines.count { $0 }) / Double(max(lines.count, 1))
  }

  /// Whether the clip would change the gradient, for each logged step.
  package static func clippedLines(
    _ table: NormHistory.Table, relative: Double, absolute: Double
  ) -> [Bool] {
    var means = [Double](repeating: 0, count: table.values.count)
    var isClipped = [Bool](repeating: false, count: table.steps.count)
    for (column, logged) in table.steps.enumerated() {
      let norms = Self.column(column, of: table)
      let global = norm(norms)
      // A step that is not finite leaves no trace.
      guard global.isFinite else { continue }
      let next = column + 1 < table.steps.count ? table.steps[column + 1] : logged + 1
      for step in (column == 0 ? 1 : logged)..<next {
        let isWarm = step > warmup
        for (tensor, norm) in norms.enumerated() {
          let (value, limit) = isWarm ? (norm, relative * means[tensor]) : (global, absolute)
          let clips = limit > 0 && value > limit * (1 + slack)
          let clipped = clips ? norm * (limit / value) : norm
          if clips, step == logged { isClipped[column] = true }
          means[tensor] =
            isWarm
            ? limit > 0 ? beta * means[tensor] + (1 - beta) * clipped : clipped
            : step == 1 ? clipped : min(means[tensor], clipped)
        }
      }
    }
    return isClipped
  }

  /// The clip, as a configuration names it.
  package var clip: JSONValue {
    ["type": "adaGC", "relative": .number(relative), "absolute": .number(absolute)]
  }

  /// The suggestion as JSON, for a run with these clips.
  package func json(for run: RunClips) -> JSONValue {
    ["clippedFraction": .number(clippedFraction), "clip": run.value([clip])]
  }
}
