import LockstepFiles

/// Norms that go one way over a run, so that no fixed limit fits all of it.
///
/// Most runs have norms that fall by half or so as their losses do, and a limit of the first ones is only idle later.
/// The medians of the four quarters of the norms are compared, which single spikes do not move. There is a trend where
/// the first and the last differ by a factor of 3 or more, and those between stand between them, but for a tenth.
package struct NormTrend: Sendable, Equatable {
  /// The least factor between the first and the last quarter's medians.
  static let leastFactor = 3.0
  private static let slack = 1.1

  /// The median of each quarter.
  package let medians: [Double]
  /// Whether the norms fall; else they rise.
  package let falls: Bool

  /// Looks at norms in the order of the steps; nil where they have no trend, or are fewer than four.
  package init?(_ norms: [Double]) {
    guard norms.count >= 4 else { return nil }
    let medians = (0..<4).map { quarter in
      let part = norms[norms.count * quarter / 4..<norms.count * (quarter + 1) / 4]
      return Self.median(part.sorted())
    }
    let (low, high) = (min(medians[0], medians[3]), max(medians[0], medians[3]))
    guard high >= Self.leastFactor * low,
      medians.allSatisfy({ $0 * Self.slack >= low && $0 <= high * Self.slack })
    else { return nil }
    self.medians = medians
    falls = medians[3] < medians[0]
  }

  private static func median(_ sorted: [Double]) -> Double {
    (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// What is seen, of what is named.
  func observation(_ what: String) -> String {
    let numbers = medians.map { readable($0, digits: 3) }
    return "\(what) \(falls ? "falls" : "rises") over the run: the medians of its quarters are "
      + numbers.dropLast().joined(separator: ", ") + " and \(numbers[3])."
  }
}
