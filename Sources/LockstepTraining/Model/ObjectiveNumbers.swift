import LockstepEngine
import LockstepFold

/// The numbers that an objective leaves of a batch, and where they go in a shard's record: the loss, the
/// metrics, the counts that metrics are divided by, and the weight.
struct ObjectiveNumbers: Equatable {
  /// The metrics' names.
  let metricNames: [String]
  /// How each metric is made of the record's columns of metrics.
  let metricFormulas: [MetricFormula]
  /// The number of columns that metrics and their counts take.
  let columns: Int
  /// Whether the weight is one of the numbers.
  private let hasWeight: Bool
  /// What an example weighs otherwise.
  private let weightPerExample: Double

  init(_ objective: Objective) {
    metricNames = objective.metrics.map(\.name)
    var (next, count) = (0, objective.metrics.reduce(0) { $0 + $1.sums.count })
    metricFormulas = objective.metrics.map { metric in
      let columns = next..<next + metric.sums.count
      next = columns.upperBound
      if let value = metric.value { return MetricFormula(of: columns, value) }
      guard metric.count != nil else { return MetricFormula(meanOf: columns.lowerBound) }
      defer { count += 1 }
      return MetricFormula(meanOf: columns.lowerBound, by: count)
    }
    columns = count
    hasWeight = objective.weight != nil
    weightPerExample = objective.weightPerExample
  }

  /// The number of scalars that a run reads out of an objective.
  var scalarCount: Int { 1 + columns + (hasWeight ? 1 : 0) }

  /// The weight of so many examples; nil where that is not known before they are computed.
  func weight(ofExamples count: Int) -> Double? {
    hasWeight ? nil : weightPerExample * Double(count)
  }

  /// The weight of a run's examples.
  ///
  /// - Parameters:
  ///   - place: where it stands among the scalars that are read out, if it is one.
  ///   - examples: how many there were.
  func weight(_ lane: Lane, at place: Int, shard: Int = 0, examples: Double) -> Double {
    hasWeight ? Double(lane.scalar(place, shard: shard)) : weightPerExample * examples
  }

  /// The weight of the examples of a run of a training program.
  func weight(of lane: Lane, shard: Int = 0, examples: Double) -> Double {
    weight(lane, at: 1 + columns, shard: shard, examples: examples)
  }

  /// Adds the numbers of a run to a record.
  ///
  /// - Parameter examples: how many there were.
  func add(_ lane: Lane, shard: Int = 0, examples: Double, to record: ShardRecord) {
    record.loss += Double(lane.scalar(0, shard: shard))
    for column in 0..<columns {
      record[metric: column] += Double(lane.scalar(1 + column, shard: shard))
    }
    record.weight += weight(of: lane, shard: shard, examples: examples)
    record.examples += examples
  }
}

extension Objective {
  /// The scalars that are read out, in the order of ``ObjectiveNumbers``.
  var scalars: [Tensor] {
    [loss] + metrics.flatMap(\.sums) + metrics.compactMap(\.count) + (weight.map { [$0] } ?? [])
  }

  /// What computes gradients and numbers of a batch, and the states that are carried on from it.
  ///
  /// - Parameter readsLogits: whether the largest logits of attentions' heads are read out behind the numbers.
  func trainingProgram(readingLogits readsLogits: Bool) throws -> Program {
    try Program(
      differentiating: loss, scalars: scalars + logits(readsLogits), outputs: carriedOutputs)
  }

  private func logits(_ areRead: Bool) -> [Tensor] {
    areRead ? loss.graph.largestLogits() : []
  }

  /// The same with each example's gradient limited, and the norms of the examples' gradients as a last output; nil
  /// where they must be made one by one.
  ///
  /// - Throws: ``GraphError`` where examples see each other.
  func trainingProgram(
    limitedBy clip: ExampleClip, readingLogits readsLogits: Bool
  ) throws(GraphError) -> Program? {
    guard !clip.isPlain else { return nil }
    return try Program.limitingExamples(
      clip, weights: weight.map { .total($0) } ?? .each(weightPerExample), differentiating: loss,
      scalars: scalars + logits(readsLogits), outputs: carriedOutputs)
  }
}
