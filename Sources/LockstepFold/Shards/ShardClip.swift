/// A limit of the norm of each shard's gradient, before shards are added up: gₛ · min(1, C / ‖gₛ‖).
///
/// gₛ is the mean gradient of a shard's examples, its leaf divided by the shard's weight, and ‖gₛ‖ its Euclidean
/// norm over all trainable parameters. The step then divides Σ wₛ gₛ by Σ wₛ as without a limit, so that one
/// shard moves it by wₛ · C / Σ wₛ at the most.
package struct ShardClip: Sendable, Equatable {
  /// C.
  package let norm: Double

  package init(norm: Double) { self.norm = norm }

  /// What a shard's gradient is multiplied by. A norm that is not finite changes nothing: the step's check finds
  /// what is to blame.
  ///
  /// - Parameter norm: ‖gₛ‖.
  package func coefficient(ofNorm norm: Double) -> Float {
    norm.isFinite && norm > self.norm ? Float(self.norm / norm) : 1
  }
}

/// What is reported of the norms of shards' gradients where each is limited: their mean, and the share of the
/// shards that were clipped.
package struct ShardNorms: Sendable, Equatable {
  /// The limit.
  package let clip: ShardClip
  /// The first of the record's columns of metrics that the norms take.
  package let firstColumn: Int

  /// The names of the metrics.
  package static let names = ["shardNorm", "clippedShards"]

  private enum Column: Int, CaseIterable { case shards, sum, clipped }

  package init(clip: ShardClip, firstColumn: Int) {
    self.clip = clip
    self.firstColumn = firstColumn
  }

  /// How the metrics are made of the columns.
  package var formulas: [MetricFormula] {
    let columns = firstColumn..<firstColumn + Column.allCases.count
    return [Column.sum, .clipped].map { column in
      MetricFormula(of: columns) { sums, _ in
        sums[column.rawValue] / max(sums[Column.shards.rawValue], 1)
      }
    }
  }

  /// Limits a shard's gradient, and notes its norm.
  ///
  /// - Parameters:
  ///   - gradient: the sum over the shard's examples, in the canonical layout.
  ///   - squares: the sum of its squares.
  ///   - record: the shard's numbers, with its weight.
  func limit(
    _ gradient: UnsafeMutableBufferPointer<Float>, squares: Double, _ record: ShardRecord
  ) {
    guard record.weight > 0 else { return }
    let norm = squares.squareRoot() / record.weight
    let coefficient = clip.coefficient(ofNorm: norm)
    note(.shards, 1, in: record)
    note(.sum, norm, in: record)
    guard coefficient != 1 else { return }
    note(.clipped, 1, in: record)
    for index in gradient.indices { gradient[index] *= coefficient }
  }

  private func note(_ column: Column, _ value: Double, in record: ShardRecord) {
    record[metric: firstColumn + column.rawValue] += value
  }
}
