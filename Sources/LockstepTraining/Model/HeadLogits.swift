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

extension Update {
  /// Throws where the update asks for the largest logits of heads, and the source does not tell them.
  func checkLogits(of source: any GradientSource) throws {
    guard source.maximumColumns.count >= headCount else {
      throw StepError.badOption(
        key: "a constraint", value: "qkClip",
        expected:
          "another one where the model's source does not read the largest logits of \(headCount) heads: a 'Training' "
          + "lets it")
    }
  }

  /// Hands the largest logits on to an update that asks for them.
  func tellLogits(of source: any GradientSource, in numbers: ShardRecord) {
    if headCount > 0 { tell(largestLogits: numbers.metrics(source.maximumColumns)) }
  }
}

extension [ConstraintRule] {
  /// Whether one of the rules asks for the largest logits of heads.
  package var askForLogits: Bool { contains { $0.constraint.projection is QueryKeyClip } }
}
