import LockstepEngine
import LockstepFold

/// The numbers that an objective leaves of a batch, and where they go in a shard's record: the loss, the
/// metrics, the counts that metrics are divided by, and the weight.
struct ObjectiveNumbers: Equatable {
  /// The metrics' names.
  let metricNames: [String]
  /// For each metric the record's column, among the metrics', of the count that divides it; nil where
  /// the number of examples does.
  let countColumns: [Int?]
  /// Whether the weight is one of the numbers.
  private let hasWeight: Bool
  /// What an example weighs otherwise.
  let weightPerExample: Double

  init(_ objective: Objective) {
    metricNames = objective.metrics.map(\.name)
    var columns = objective.metrics.count
    countColumns = objective.metrics.map { metric in
      guard metric.count != nil else { return nil }
      defer { columns += 1 }
      return columns
    }
    hasWeight = objective.weight != nil
    weightPerExample = objective.weightPerExample
  }

  /// The number of columns that metrics and their counts take.
  var columns: Int { countColumns.count + countColumns.count { $0 != nil } }

  /// The weight of so many examples; nil where that is not known before they are computed.
  func weight(ofExamples count: Int) -> Double? {
    hasWeight ? nil : weightPerExample * Double(count)
  }

  /// Adds the numbers of a run to a record.
  ///
  /// - Parameter examples: how many there were.
  func add(_ lane: Lane, shard: Int = 0, examples: Double, to record: ShardRecord) {
    record.loss += Double(lane.scalar(0, shard: shard))
    for column in 0..<columns {
      record[metric: column] += Double(lane.scalar(1 + column, shard: shard))
    }
    record.weight +=
      hasWeight
      ? Double(lane.scalar(1 + columns, shard: shard)) : weightPerExample * examples
    record.examples += examples
  }
}

extension Objective {
  /// The scalars that are read out, in the order of ``ObjectiveNumbers``.
  var scalars: [Tensor] {
    [loss] + metrics.map(\.sum) + metrics.compactMap(\.count) + (weight.map { [$0] } ?? [])
  }
}
