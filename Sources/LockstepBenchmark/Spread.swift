import LockstepFiles

/// The middle and the ends of several measurements of one quantity.
package struct Spread: Sendable, Equatable {
  /// The median.
  package let median: Double
  /// The smallest value.
  package let smallest: Double
  /// The largest value.
  package let largest: Double
  /// The number of measurements.
  package let count: Int

  /// - Parameter values: at least one.
  package init(_ values: [Double]) {
    precondition(!values.isEmpty, "the spread of nothing")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    smallest = sorted[0]
    largest = sorted[sorted.count - 1]
    count = sorted.count
  }

  /// `{"median": …, "smallest": …, "largest": …, "count": …}`.
  package var json: JSONValue {
    .object([
      "median": .number(median), "smallest": .number(smallest), "largest": .number(largest),
      "count": .integer(count),
    ])
  }
}
