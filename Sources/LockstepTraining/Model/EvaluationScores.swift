import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers

/// The metrics of a whole evaluation: keeps this rank's outputs and labels, brings those of all ranks
/// together on the root, in the order of the shards, and gives all ranks what that computes.
final class EvaluationScores: WholeScores {
  private let metrics: [PreparedMetric]
  private let rows: EvaluationRows
  private let form: ScoredForm
  private let units: LabelUnits
  /// The place of the output among those that an evaluation reads.
  let place: Int
  private let collective: any Collective
  private var outputs: [Float] = []
  private var classes: [Int32] = []
  private var targets: [Float] = []

  /// The most outputs of an evaluation whose metrics need all of them at once: 2²⁸, 1 GiB.
  private static let mostOutputs = 1 << 28

  /// Gets ready.
  ///
  /// - Throws: ``MetricError`` where a metric cannot be computed of these examples.
  init(
    _ rows: EvaluationRows, _ metrics: [any EvaluationMetric], units: LabelUnits,
    place: Int, of dataset: any ExampleSource, on collective: any Collective
  ) throws {
    let (form, prepared) = try rows.prepare(metrics, units: units)
    let needing = prepared.filter(\.needsExamples)
    if let first = needing.first {
      let (values, overflow) = dataset.count.multipliedReportingOverflow(by: rows.outputsPerExample)
      guard !overflow, values <= Self.mostOutputs else {
        throw MetricError(
          first.name,
          "needs all outputs at once, and \(dataset.count) examples with \(rows.outputsPerExample) outputs each "
            + "are more than \(Self.mostOutputs): leave it out, or evaluate on fewer examples")
      }
      let summary = try rows.summary(of: dataset, form)
      (self.form, self.metrics) = try rows.prepare(metrics, units: units, labels: summary)
    } else {
      (self.form, self.metrics) = (form, prepared)
    }
    self.rows = rows
    self.units = units
    self.place = place
    self.collective = collective
  }

  /// Whether outputs and labels are wanted.
  private var needsExamples: Bool { metrics.contains(where: \.needsExamples) }

  var names: [String] {
    metrics.filter(\.isNumber).map(\.name)
  }

  func begin() {
    outputs.removeAll(keepingCapacity: true)
    classes.removeAll(keepingCapacity: true)
    targets.removeAll(keepingCapacity: true)
  }

  /// Keeps the outputs and labels of examples.
  ///
  /// - Parameters:
  ///   - values: the model's outputs, one example's behind the other's.
  ///   - source: where the examples' labels are, as long as these outputs.
  func add(
    _ values: UnsafeBufferPointer<Float>, of examples: ArraySlice<Int>,
    from source: any ExampleSource
  ) throws {
    guard needsExamples, !examples.isEmpty else { return }
    try rows.labels(of: examples, from: source) { labels, counted in
      let width = form.width
      for row in counted.indices where counted[row] {
        outputs += values[row * width..<(row + 1) * width]
        switch labels {
        case .classes(let labels): classes.append(labels[row])
        case .targets(let labels): targets += labels[row * width..<(row + 1) * width]
        }
      }
    }
  }

  func finish(
    loss: Double
  ) throws -> (values: [(name: String, value: Double)], tables: [EvaluationTable]) {
    var examples: ScoredExamples?
    if needsExamples {
      let all = try gathered(outputs)
      let labels: ScoredExamples.Labels =
        form.meaning == .classLogits
        ? .classes(try gathered(classes)) : .targets(try gathered(targets))
      examples = ScoredExamples(form, outputs: all, labels: labels, scale: units.scale)
    }
    let bytes = try collective.fromRoot {
      // Outputs that are not finite are in no order, and in no class.
      let isFinite = examples?.outputs.allSatisfy(\.isFinite) ?? true
      let values = metrics.flatMap {
        isFinite
          ? $0.values(of: examples, loss: loss) : Array(repeating: Double.nan, count: $0.count)
      }
      return values.withUnsafeBytes { Array($0) }
    }
    var values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }[...]
    var found: (values: [(name: String, value: Double)], tables: [EvaluationTable]) = ([], [])
    for metric in metrics {
      let own = Array(values.prefix(metric.count))
      values = values.dropFirst(metric.count)
      if case .table(let rows, let columns, _) = metric.value {
        found.tables.append(
          EvaluationTable(metric.name, rows: rows, columns: columns, values: own))
      } else {
        found.values.append((metric.name, own[0]))
      }
    }
    return found
  }

  /// The values of all ranks, on the root; none on the others.
  private func gathered<Value: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _ own: [Value]
  ) throws -> [Value] {
    let counts = try collective.allgather(own.count)
    var all = [Value](repeating: 0, count: collective.isRoot ? counts.reduce(0, +) : 0)
    try own.withUnsafeBytes { own in
      try all.withUnsafeMutableBytes {
        try collective.gather(
          own, counts: counts.map { $0 * MemoryLayout<Value>.stride }, into: $0, root: 0)
      }
    }
    return all
  }
}
