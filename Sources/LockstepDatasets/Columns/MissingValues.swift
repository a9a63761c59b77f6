import LockstepFiles

/// What becomes of a missing feature.
package enum MissingValues: Sendable, Equatable {
  /// It is an error that names line and column.
  case refuse
  /// It becomes this value.
  case fill(Double)
  /// It becomes the mean of the training part's values.
  case mean
  /// It becomes the median of the training part's values.
  case median

  /// What stands for a missing one of some values; nil where it is an error, or where there are none.
  ///
  /// - Parameters:
  ///   - count: the number of values.
  ///   - sum: their sum.
  ///   - forEach: hands all of them over.
  func fill(
    count: Int, sum: Double, _ forEach: ((Double) -> Void) throws(FileError) -> Void
  ) throws(FileError) -> Double? {
    switch self {
    case .refuse: nil
    case .fill(let value): value
    case .mean: count == 0 ? nil : sum / Double(count)
    case .median: count == 0 ? nil : try Median.of(count: count, forEach)
    }
  }
}
