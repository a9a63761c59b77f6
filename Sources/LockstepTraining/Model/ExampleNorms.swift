import LockstepEngine
import LockstepFold

/// What is reported of the norms of examples' gradients where each is limited: their mean, the share of the
/// examples that were clipped, and percentiles.
///
/// Percentiles come from counts of norms between powers of √2, which are exact in any order, and are as fine as
/// these.
package struct ExampleNorms: Equatable {
  let clip: ExampleClip
  /// The first of the record's columns of metrics that the norms take.
  let firstColumn: Int

  /// The names of the metrics.
  static let names = ["exampleNorm", "clippedExamples"] + percentiles.map { "exampleNorm.p\($0)" }
  private static let percentiles = [10, 50, 75, 90, 99]

  /// Norms from 2^(i / 2) to 2^((i + 1) / 2) for each i; what lies outside is counted at the ends.
  private static let bins = -40..<60
  private enum Column {
    static let sum = 0
    static let clipped = 1
    static let bins = 2
  }
  /// The number of columns.
  package static let columnCount = Column.bins + bins.count

  /// How the metrics are made of the columns.
  var formulas: [MetricFormula] {
    let bins = firstColumn + Column.bins..<firstColumn + Self.columnCount
    let all = firstColumn..<firstColumn + Self.columnCount
    func mean(_ column: Int) -> MetricFormula {
      MetricFormula(of: all) { sums, _ in
        sums[column] / max(sums[Column.bins...].reduce(0, +), 1)
      }
    }
    return [mean(Column.sum), mean(Column.clipped)]
      + Self.percentiles.map { percentile in
        MetricFormula(of: bins) { counts, _ in Self.percentile(Double(percentile), of: counts) }
      }
  }

  /// Adds an example's norm to a record; a negative one is that of an example that does not count.
  func note(norm: Double, in record: ShardRecord) {
    if norm < 0 { return }
    record[metric: firstColumn + Column.sum] += norm
    if norm > clip.norm { record[metric: firstColumn + Column.clipped] += 1 }
    guard norm.isFinite else { return }
    record[metric: firstColumn + Column.bins + Self.bin(of: norm)] += 1
  }

  private static func bin(of norm: Double) -> Int {
    guard norm > 0 else { return 0 }
    let index = 2 * Int(norm.exponent) + (norm.significand >= 1.414_213_562_373_095_1 ? 1 : 0)
    return min(max(index, bins.lowerBound), bins.upperBound - 1) - bins.lowerBound
  }

  /// The norm below which a percentage of all lies, taken to grow evenly in its logarithm within a bin.
  private static func percentile(_ percentage: Double, of counts: [Double]) -> Double {
    let wanted = percentage / 100 * counts.reduce(0, +)
    var before = 0.0
    for (place, count) in counts.enumerated() where count > 0 {
      if before + count >= wanted {
        let share = (wanted - before) / count
        return ExactMath.power(2, (Double(bins.lowerBound + place) + share) / 2)
      }
      before += count
    }
    return 0
  }
}
