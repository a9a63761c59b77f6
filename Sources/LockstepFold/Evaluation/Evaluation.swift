import LockstepCollective
import LockstepObservation
import LockstepEngine

/// An evaluation over all ranks that counts every example exactly once.
///
/// The examples are cut into shards of a fixed size (the last one may be smaller), the shards are
/// dealt to the ranks in contiguous runs, and the shards' sums are added up by a fixed tree, so
/// that the bits do not depend on the number of ranks.
public final class Evaluation {
  /// The name, `test`.
  package let name: String
  /// The names of the metrics, in order.
  package let metricNames: [String]
  /// The metrics that are smaller where predictions are better.
  package let errorNames: Set<String>

  /// Runs the evaluation with other weights, say; on all ranks alike.
  package var around: (() throws -> EvaluationReport) throws -> EvaluationReport = { try $0() }
  /// Hears each report that an uninterrupted run would have too, on all ranks alike.
  package var onReport: (EvaluationReport) throws -> Void = { _ in }

  /// What the ranks asked for while the last evaluation was computed, combined.
  package var requests: StepRequests { fold.requests }
  /// Whether this rank was asked to stop; set by the trainer.
  package var isInterrupted: () -> Bool = { Interruption.isRequested }

  private let metricFormulas: [MetricFormula]
  /// What is made of all examples at once.
  private let whole: (any WholeScores)?
  private let count: Int
  private let shardSize: Int
  private let fold: ScalarFold
  private let compute: (Range<Int>, ShardRecord) throws -> Void

  /// Prepares an evaluation.
  ///
  /// - Parameters:
  ///   - name: what it is called in logs.
  ///   - count: the number of examples.
  ///   - shardSize: the number of examples that are computed at once.
  ///   - metricNames: the metrics that `compute` sums up.
  ///   - metricFormulas: how each metric is made of a record's columns of metrics; by default each has
  ///     one column, and is the mean over examples.
  ///   - errorNames: the metrics that are smaller where predictions are better.
  ///   - whole: what is made of all examples at once; where it has a metric of the same name as a sum,
  ///     it gives the value.
  ///   - collective: the ranks.
  ///   - compute: computes the examples of a range of positions and adds their sums to a record of
  ///     zeros.
  /// - Throws: ``ArgumentError`` where `count` or `shardSize` is not positive, or there is not one formula
  ///   a name.
  package init(
    _ name: String, count: Int, shardSize: Int, metricNames: [String],
    metricFormulas: [MetricFormula] = [], errorNames: Set<String> = [],
    whole: (any WholeScores)? = nil, on collective: any Collective,
    _ compute: @escaping (Range<Int>, ShardRecord) throws -> Void
  ) throws {
    try ArgumentError.require(count, atLeast: 1, "count", of: "Evaluation")
    try ArgumentError.require(shardSize, atLeast: 1, "shardSize", of: "Evaluation")
    self.name = name
    self.whole = whole
    self.errorNames = errorNames
    self.metricNames =
      metricNames + (whole?.names.filter { !metricNames.contains($0) } ?? [])
    let formulas = metricFormulas.isEmpty ? MetricFormula.means(metricNames.count) : metricFormulas
    guard formulas.count == metricNames.count else {
      throw ArgumentError(
        "Evaluation", "metricFormulas.count", is: formulas.count,
        expected: "\(metricNames.count), one for each of metricNames")
    }
    self.metricFormulas = formulas
    self.count = count
    self.shardSize = shardSize
    self.compute = compute
    let shards = (count - 1) / shardSize + 1
    fold = try ScalarFold(
      runs: FoldPlan.runs(of: shards, over: collective.size),
      metrics: formulas.columnCount, on: collective)
  }

  /// Evaluates. Called by all ranks.
  ///
  /// - Parameter isScheduled: whether `onReport` hears of it. An evaluation that is made only because
  ///   a run ends must move nothing, or the run would go on otherwise than one that did not end there.
  /// - Throws: what `compute` throws, on its own rank, and `PeerFailure` on the others.
  public func run(isScheduled: Bool = true) throws -> EvaluationReport {
    let report = try around(evaluate)
    if isScheduled { try onReport(report) }
    return report
  }

  private func evaluate() throws -> EvaluationReport {
    whole?.begin()
    try fold.gather(requests: isInterrupted() ? .stop : []) { records in
      for shard in records.shards {
        let start = shard * shardSize
        try compute(start..<min(start + shardSize, count), records[known: shard])
      }
    }
    let total = fold.total
    let loss = total.loss / total.weight
    var metrics = metricFormulas.map { $0(total) }
    metrics += Array(repeating: .nan, count: metricNames.count - metrics.count)
    let scores = try whole?.finish(loss: loss)
    for (name, value) in scores?.values ?? [] {
      if let place = metricNames.firstIndex(of: name) { metrics[place] = value }
    }
    return EvaluationReport(
      name: name, examples: Int(total.examples), loss: loss, metricNames: metricNames,
      metrics: metrics, tables: scores?.tables ?? [], errorNames: errorNames)
  }
}

/// What an evaluation found, the same on every rank.
public struct EvaluationReport: Sendable, Equatable {
  /// The evaluation's name.
  public let name: String
  /// The number of examples.
  public let examples: Int
  /// The mean loss.
  public let loss: Double
  /// The metrics' names.
  package let metricNames: [String]
  /// The metrics' means over the examples, in the order of their names.
  public let metrics: [Double]
  /// The metrics that are tables.
  package let tables: [EvaluationTable]
  /// The metrics that are smaller where predictions are better.
  private let errorNames: Set<String>

  /// - Parameters:
  ///   - loss: the mean loss.
  ///   - metrics: the metrics' means, in the order of their names.
  ///   - tables: the metrics that are tables.
  ///   - errorNames: the metrics that are smaller where predictions are better.
  package init(
    name: String, examples: Int, loss: Double, metricNames: [String], metrics: [Double],
    tables: [EvaluationTable] = [], errorNames: Set<String> = []
  ) {
    self.tables = tables
    self.errorNames = errorNames
    self.name = name
    self.examples = examples
    self.loss = loss
    self.metricNames = metricNames
    self.metrics = metrics
  }

  /// The name of the loss among the metrics.
  package static let lossName = "loss"

  /// How good the result is, larger is better: a metric, minus a metric that is smaller where predictions
  /// are better, or minus the loss where none is named or the loss is. NaN where the loss is not finite or there is no such metric.
  package func score(by metric: String?) -> Double {
    guard loss.isFinite else { return .nan }
    guard let metric, metric != Self.lossName else { return -loss }
    let value = self[metric] ?? .nan
    return errorNames.contains(metric) ? -value : value
  }

  /// Whether a metric is smaller where predictions are better, as the loss is.
  package func isError(_ metric: String) -> Bool {
    metric == Self.lossName || errorNames.contains(metric)
  }

  /// A metric's mean, or nil where there is none of the name.
  public subscript(name: String) -> Double? {
    metricNames.firstIndex(of: name).map { metrics[$0] }
  }
}
