import LockstepFiles

/// The plots of runs as files for papers: what the page shows over the steps, and the ROC curve.
package struct PaperPlots: Sendable {
  private let runs: [RunRecord]

  /// Plots of these runs, one over the other.
  package init(_ runs: [RunRecord]) { self.runs = runs }

  private var isAlone: Bool { runs.count == 1 }

  /// The plots with the names of their files, without those that would be empty.
  package var all: [(name: String, plot: LinePlot)] {
    let comparison = RunComparison(runs.map { (name: $0.name, history: $0.history) })
    let report = RunReport(runs[0].history, name: runs[0].name)
    var plots: [(name: String, plot: LinePlot)] = [
      ("loss", isAlone ? report.lossPlot : comparison.lossPlot),
      ("gradient-norm", isAlone ? report.normPlot : comparison.normPlot),
      (
        "learning-rate",
        overSteps("Learning rate", "learning rate") { step, _ in step.learningRate }
      ),
      (
        "throughput",
        overSteps("Throughput", "throughput (examples/s)") { step, _ in step.examplesPerSecond }
      ),
    ]
    if runs.contains(where: { $0.history.steps.contains(where: \.clipped) }) {
      plots.append(
        (
          "clip-coefficient",
          overSteps("Clip coefficient", "norm after / norm before clipping") { step, _ in
            step.coefficient
          }
        ))
    }
    for name in metricNames { plots.append(("metric-\(Self.fileName(name))", metric(name))) }
    plots.append(("roc", roc))
    return plots.filter { $0.plot.series.contains { !$0.points.isEmpty } }
  }

  private func overSteps(
    _ title: String, _ label: String, _ value: (RunHistory.Step, RunHistory) -> Double?
  ) -> LinePlot {
    LinePlot(
      title: isAlone ? "\(title) of the run \(runs[0].name)" : title, xLabel: "step", yLabel: label,
      runs.map { run in
        .init(
          isAlone ? "" : run.name,
          run.history.steps.compactMap { step in
            step.skipped ? nil : value(step, run.history).map { (Double(step.step), $0) }
          })
      })
  }

  /// The metrics of evaluations, in the order in which they came first.
  private var metricNames: [String] {
    var names: [String] = []
    for run in runs {
      for name in run.history.evaluations.flatMap({ $0.metrics.map(\.name) })
      where !names.contains(name) {
        names.append(name)
      }
    }
    return names
  }

  private func metric(_ name: String) -> LinePlot {
    var series: [LinePlot.Series] = []
    for run in runs {
      var evaluations: [String] = []
      for found in run.history.evaluations where !evaluations.contains(found.name) {
        evaluations.append(found.name)
      }
      for evaluation in evaluations {
        let points = run.history.evaluations.filter { $0.name == evaluation }.compactMap { found in
          found.metrics.first { $0.name == name }.map { (Double(found.step), $0.value) }
        }
        series.append(
          .init(isAlone ? evaluation : "\(run.name), \(evaluation)", points, style: .marked))
      }
    }
    let title = name.shortened(to: 60)
    return LinePlot(
      title: isAlone ? "\(title) of the run \(runs[0].name)" : title, xLabel: "step",
      yLabel: title, series)
  }

  private var roc: LinePlot {
    var series: [LinePlot.Series] = []
    for run in runs {
      for curve in (run.evaluation?.curves ?? []).prefix(isAlone ? 12 : 1) {
        let name = "\(curve.name), area \(readable(curve.area))"
        series.append(
          .init(
            isAlone ? name : "\(run.name), \(name)",
            zip(curve.falsePositives, curve.truePositives).map { ($0, $1) }))
      }
    }
    if !series.isEmpty {
      series.append(.init("chance", [(0, 0), (1, 1)], style: .dashed, color: 7))
    }
    return LinePlot(
      title: "ROC curve", xLabel: "false positive rate", yLabel: "true positive rate", series)
  }

  /// A name with what file systems take, everywhere.
  private static func fileName(_ name: String) -> String {
    String(
      name.prefix(60).map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" })
  }
}
