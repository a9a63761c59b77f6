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
  func fill(of values: [Double]) -> Double? {
    switch self {
    case .refuse: return nil
    case .fill(let value): return value
    case .mean:
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    case .median:
      guard !values.isEmpty else { return nil }
      let sorted = values.sorted()
      let middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
  }
}
