import LockstepEngine

/// One shard's numbers: sums over its examples, in Double.
///
/// Losses and metrics are sums that are divided by a folded weight at the end, never averages.
package struct ShardRecord {
  /// Where the fixed columns lie; metrics follow.
  package enum Column {
    static let loss = 0
    static let weight = 1
    static let examples = 2
    package static let metrics = 3
  }

  package let values: UnsafeMutableBufferPointer<Double>

  package init(values: UnsafeMutableBufferPointer<Double>) { self.values = values }

  /// The weighted sum of the examples' losses.
  package var loss: Double {
    get { values[Column.loss] }
    nonmutating set { values[Column.loss] = newValue }
  }
  /// The sum of the weights: the gradient's and the loss's divisor.
  package var weight: Double {
    get { values[Column.weight] }
    nonmutating set { values[Column.weight] = newValue }
  }
  /// The number of examples: the divisor of metrics and statistics.
  package var examples: Double {
    get { values[Column.examples] }
    nonmutating set { values[Column.examples] = newValue }
  }
  /// The sums of the metrics over the examples, in the order of their names. Of a metric that is not
  /// among them nothing is kept, and a NaN found.
  package subscript(metric metric: Int) -> Double {
    get { has(metric) ? values[Column.metrics + metric] : .nan }
    nonmutating set { if has(metric) { values[Column.metrics + metric] = newValue } }
  }

  /// The numbers of a run of metrics that are all there.
  package func metrics(_ metrics: Range<Int>) -> UnsafeBufferPointer<Double> {
    UnsafeBufferPointer(
      rebasing: values[Column.metrics + metrics.lowerBound..<Column.metrics + metrics.upperBound])
  }

  private func has(_ metric: Int) -> Bool {
    metric >= 0 && metric < values.count - Column.metrics
  }
}

/// The records of one rank's shards.
package struct ShardRecords {
  /// The rank's shards.
  package let shards: Range<Int>
  let width: Int
  package let values: UnsafeMutableBufferPointer<Double>

  /// A shard's record; all zeros until it is written.
  ///
  /// - Throws: ``ArgumentError`` for a shard that is another rank's.
  package subscript(shard: Int) -> ShardRecord {
    get throws(ArgumentError) {
      guard shards.contains(shard) else {
        throw ArgumentError(
          "ShardRecords", "shard", is: shard, expected: "in \(shards), this rank's shards")
      }
      return self[known: shard]
    }
  }

  /// The record of a shard that is known to be this rank's.
  package subscript(known shard: Int) -> ShardRecord {
    let start = (shard - shards.lowerBound) * width
    return ShardRecord(values: .init(rebasing: values[start..<start + width]))
  }
}
