import LockstepFiles

/// The middle and the ends of several measurements of one quantity.
public struct Spread: Sendable, Equatable {
  /// The median.
  public let median: Double
  /// The smallest value.
  public let smallest: Double
  /// The largest value.
  public let largest: Double
  /// The number of measurements.
  public let count: Int

  /// - Parameter values: at least one.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "the spread of nothing")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    smallest = sorted[0]
    largest = sorted[sorted.count - 1]
    count = sorted.count
  }

  /// `{"median": …, "smallest": …, "largest": …, "count": …}`.
  public var json: JSONValue {
    .object([
      "median": .number(median), "smallest": .number(smallest), "largest": .number(largest),
      "count": .integer(count),
    ])
  }
}
