import LockstepEngine
import LockstepFold
import LockstepOptimization

/// Where the largest logits of attentions' heads go in a shard's record, for a constraint that acts on heads.
///
/// They are maxima, not sums: of a shard's micro-batches, and of all shards (``GradientSource/maximumColumns``).
struct HeadLogits: Equatable {
  /// The name of the metric, the largest logit of all heads.
  static let name = "largestLogit"

  /// The record's columns of metrics that have them, one a head.
  let columns: Range<Int>
  /// Where they begin among the scalars that a run reads out.
  private let firstScalar: Int

  /// - Parameters:
  ///   - count: the number of heads.
  ///   - numbers: what stands before them in the scalars.
  ///   - firstColumn: the first of the record's columns.
  init(_ count: Int, behind numbers: ObjectiveNumbers, firstColumn: Int) {
    columns = firstColumn..<firstColumn + count
    firstScalar = numbers.scalarCount
  }

  /// How the metric is made of the columns.
  var formula: MetricFormula {
    MetricFormula(of: columns) { logits, _ in logits.reduce(-.infinity, largerOrNaN) }
  }

  /// Takes the logits of a run into a record.
  ///
  /// - Parameter isFirst: whether the record is of this run alone.
  func note(_ lane: Lane, shard: Int, isFirst: Bool, in record: ShardRecord) {
    for (index, column) in columns.enumerated() {
      let logit = Double(lane.scalar(firstScalar + index, shard: shard))
      record[metric: column] = isFirst ? logit : largerOrNaN(record[metric: column], logit)
    }
  }

  /// Whether a graph's parameters carry a constraint that asks for logits, as their layers say.
  static func areWanted(by graph: Graph) -> Bool {
    graph.parameters.contains { $0.constraint?.projection is QueryKeyClip }
  }
}

extension [ConstraintRule] {
  /// Whether one of the rules asks for the largest logits of heads.
  package var askForLogits: Bool { contains { $0.constraint.projection is QueryKeyClip } }
}
