import LockstepFiles

/// A run in words and pictures: how loss, norm and accuracy went.
public struct RunReport: Sendable {
  private let history: RunHistory
  private let name: String

  /// A report on a history.
  ///
  /// - Parameter name: what the run is called in titles.
  public init(_ history: RunHistory, name: String) {
    self.history = history
    self.name = name
  }

  /// The rows of a table: what, and how much.
  public var rows: [(String, String)] {
    guard let last = history.steps.last else { return [("steps", "0")] }
    let clipped = history.steps.count(where: \.clipped)
    let rates = history.steps.map(\.examplesPerSecond).sorted()
    var rows = [
      ("steps", "\(last.step)"), ("last loss", "\(last.loss)"),
      ("clipped", "\(clipped) of \(history.steps.count) steps"),
      (
        "gradient norm",
        "median \(ClipSuggestion.rounded(ClipSuggestion.percentile(50, of: history.steps.map(\.gradientNorm).sorted())))"
      ),
      ("examples/s", "median \(Int(ClipSuggestion.percentile(50, of: rates)))"),
    ]
    if let evaluation = history.evaluations.last {
      rows.append(("last evaluation", "step \(evaluation.step), loss \(evaluation.loss)"))
      for metric in evaluation.metrics { rows.append(("  \(metric.name)", "\(metric.value)")) }
      for (index, metric) in evaluation.metrics.enumerated() {
        let best = history.evaluations.max {
          $0.metrics[index].value < $1.metrics[index].value
        }!  // there is at least one
        rows.append(
          ("best \(metric.name)", "\(best.metrics[index].value) at step \(best.step)"))
      }
    }
    return rows
  }

  /// The losses of steps and evaluations.
  public var lossPlot: LinePlot {
    var series = [
      LinePlot.Series("training", history.steps.map { (Double($0.step), $0.loss) })
    ]
    if !history.evaluations.isEmpty {
      series.append(.init("test", history.evaluations.map { (Double($0.step), $0.loss) }))
    }
    return LinePlot(
      title: "\(name): loss", xLabel: "step", yLabel: "loss", logarithmic: true, series)
  }

  /// The norms before and after clipping.
  public var normPlot: LinePlot {
    LinePlot(
      title: "\(name): gradient norm", xLabel: "step", yLabel: "norm", logarithmic: true,
      [
        .init("before clipping", history.steps.map { (Double($0.step), $0.gradientNorm) }),
        .init("after clipping", history.steps.map { (Double($0.step), $0.clippedGradientNorm) }),
      ])
  }
}
