import LockstepFiles

/// A run in words and pictures: how loss, norm and accuracy went.
package struct RunReport: Sendable {
  private let history: RunHistory
  private let name: String

  /// A report on a history.
  ///
  /// - Parameter name: what the run is called in titles.
  package init(_ history: RunHistory, name: String) {
    self.history = history
    self.name = name
  }

  /// The rows of a table: what, and how much.
  package var rows: [(String, String)] {
    let ending = endingText.map { [("outcome", $0)] } ?? []
    guard let end = history.steps.last else { return ending + [("steps", "0")] }
    let taken = history.steps.filter { !$0.skipped }
    // A step without an example has no loss.
    let last = taken.last { !$0.loss.isNaN } ?? taken.last ?? end
    let clipped = taken.count(where: \.clipped)
    let norms = taken.map(\.gradientNorm)
    let rates = history.steps.map(\.examplesPerSecond)
    var rows = ending
    rows += [
      ("steps", "\(end.step)"), ("last loss", readable(last.loss)),
      ("clipped", "\(clipped) of \(counted(history.steps.count, "step"))"),
      (
        "gradient norm",
        Self.median(norms).map { "median \(readable($0, digits: 3))" } ?? "none"
      ),
      ("examples/s", Self.median(rates).map { "median \(readable($0.rounded(.down)))" } ?? "none"),
    ]
    let skipped = history.steps.count - taken.count
    if skipped > 0 { rows.append(("skipped, not finite", counted(skipped, "step"))) }
    let sanitized = taken.count(where: \.sanitized)
    if sanitized > 0 { rows.append(("sanitized, not finite", counted(sanitized, "step"))) }
    for warning in history.warnings {
      rows.append(("warning, step \(warning.step)", warning.text.shortened(to: 400)))
    }
    rows += partialClipRows
    rows += hessianFreeRows
    for (index, series) in evaluations.enumerated() {
      rows += Self.rows(series, prefix: index == 0 ? "" : "\(series[0].name): ")
    }
    return rows
  }

  /// What was clipped of single examples, shards and heads, in the steps that were taken.
  private var partialClipRows: [(String, String)] {
    let taken = history.steps.filter { !$0.skipped }
    func values(_ metric: String) -> [Double] {
      guard let index = history.metricNames.firstIndex(of: metric) else { return [] }
      return taken.compactMap { index < $0.metrics.count ? $0.metrics[index] : nil }
        .filter(\.isFinite)
    }
    func share(_ name: String, _ shares: [Double]) -> [(String, String)] {
      guard !shares.isEmpty else { return [] }
      let mean = shares.reduce(0, +) / Double(shares.count)
      return [(name, "mean \(readable(100 * mean, digits: 3)) %")]
    }
    let heads = values("clippedHeads")
    return share("clipped examples", taken.compactMap { $0.exampleNorms?.clippedFraction })
      + share("clipped shards", values("clippedShards"))
      + (heads.isEmpty
        ? []
        : [
          (
            "clipped heads",
            "in \(heads.count { $0 > 0 }) of \(counted(heads.count, "step")), "
              + "\(readable(heads.max() ?? 0)) at most"
          )
        ])
  }

  /// How the run ended; nil where nothing says it.
  private var endingText: String? {
    guard let ending = history.ending else { return nil }
    let logged = history.steps.last?.step ?? 0
    let message = ending.message.map { ": \($0.shortened(to: 400))" } ?? ""
    let place = "after step \(ending.step ?? logged)"
    switch ending.kind {
    case "done": return "done \(place)"
    case "interrupted": return "interrupted \(place)\(message); go on with --resume"
    case "failed": return "failed \(place)\(message)"
    case "running":
      // The file is of the start; the log goes on.
      return "still running, or killed without a word; the last step logged is \(logged)"
    default: return "unknown: outcome.json is damaged"
    }
  }

  /// The evaluations, those of one name together, in the order in which the names came first.
  private var evaluations: [[RunHistory.Evaluation]] {
    var names: [String] = []
    for evaluation in history.evaluations where !names.contains(evaluation.name) {
      names.append(evaluation.name)
    }
    return names.map { name in history.evaluations.filter { $0.name == name } }
  }

  /// What evaluations of one name tell.
  private static func rows(
    _ evaluations: [RunHistory.Evaluation], prefix: String
  ) -> [(String, String)] {
    guard let last = evaluations.last else { return [] }
    var rows = [("\(prefix)last evaluation", "step \(last.step), loss \(readable(last.loss))")]
    for metric in last.metrics {
      rows.append(("\(prefix)  \(metric.name.shortened(to: 80))", readable(metric.value)))
    }
    for metric in last.metrics {
      let all = evaluations.compactMap { evaluation in
        evaluation.metrics.first { $0.name == metric.name }.map { ($0.value, evaluation.step) }
      }
      guard
        let best = all.filter({ !$0.0.isNaN }).max(by: {
          MetricDirection.isBetter($1.0, than: $0.0, of: metric.name)
        })
      else { continue }
      rows.append(
        (
          "\(prefix)best \(metric.name.shortened(to: 80))",
          "\(readable(best.0)) at step \(best.1)"
        ))
    }
    return rows
  }

  /// The median of those numbers that are finite; nil where none is.
  private static func median(_ values: [Double]) -> Double? {
    let finite = values.filter(\.isFinite).sorted()
    return finite.isEmpty ? nil : ClipSuggestion.percentile(50, of: finite)
  }

  /// What Hessian-free steps tell.
  private var hessianFreeRows: [(String, String)] {
    let steps = history.steps.compactMap(\.hessianFree)
    guard let last = steps.last else { return [] }
    let iterations = steps.map { Double($0.iterations) }
    let costs = steps.map(\.gradientEquivalents).filter(\.isFinite)
    let taken = steps.count { $0.stepLength > 0 }
    return [
      (
        "conjugate gradients",
        "median \(readable((Self.median(iterations) ?? 0).rounded(.down))) iterations a step"
      ), ("damping", "\(readable(last.damping, digits: 3)) at last"),
      ("directions taken", "\(taken) of \(steps.count)"),
      (
        "gradient-equivalents",
        "\(readable(costs.reduce(0, +), digits: 3)) in \(counted(costs.count, "step")), by time"
      ),
    ]
  }

  /// The losses of steps and evaluations.
  package var lossPlot: LinePlot {
    var series = [
      LinePlot.Series("training loss, each step", history.steps.map { (Double($0.step), $0.loss) })
    ]
    for evaluations in evaluations {
      series.append(
        .init(
          "\(evaluations[0].name) loss", evaluations.map { (Double($0.step), $0.loss) },
          style: .marked))
    }
    return LinePlot(
      title: "Loss of the run \(name)", xLabel: "step", yLabel: "loss", logarithmic: true, series)
  }

  /// The norms before and after clipping.
  package var normPlot: LinePlot {
    LinePlot(
      title: "Gradient norm of the run \(name)", xLabel: "step", yLabel: "norm", logarithmic: true,
      [
        .init("before clipping", history.steps.map { (Double($0.step), $0.gradientNorm) }),
        .init("after clipping", history.steps.map { (Double($0.step), $0.clippedGradientNorm) }),
      ])
  }
}
