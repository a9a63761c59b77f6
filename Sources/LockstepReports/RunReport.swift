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
    guard let end = history.steps.last else { return [("steps", "0")] }
    let taken = history.steps.filter { !$0.skipped }
    let last = taken.last ?? end
    let clipped = taken.count(where: \.clipped)
    let norms = taken.map(\.gradientNorm).sorted()
    let rates = history.steps.map(\.examplesPerSecond).sorted()
    var rows = [
      ("steps", "\(end.step)"), ("last loss", readable(last.loss)),
      ("clipped", "\(clipped) of \(counted(history.steps.count, "step"))"),
      (
        "gradient norm",
        norms.isEmpty
          ? "none" : "median \(readable(ClipSuggestion.percentile(50, of: norms), digits: 3))"
      ),
      ("examples/s", "median \(Int(ClipSuggestion.percentile(50, of: rates)))"),
    ]
    let skipped = history.steps.count - taken.count
    if skipped > 0 { rows.append(("skipped, not finite", counted(skipped, "step"))) }
    let sanitized = taken.count(where: \.sanitized)
    if sanitized > 0 { rows.append(("sanitized, not finite", counted(sanitized, "step"))) }
    rows += hessianFreeRows
    if let evaluation = history.evaluations.last {
      rows.append(("last evaluation", "step \(evaluation.step), loss \(readable(evaluation.loss))"))
      for metric in evaluation.metrics { rows.append(("  \(metric.name)", readable(metric.value))) }
      for (index, metric) in evaluation.metrics.enumerated() {
        let best = history.evaluations.max {
          $0.metrics[index].value < $1.metrics[index].value
        }!  // there is at least one
        rows.append(
          ("best \(metric.name)", "\(readable(best.metrics[index].value)) at step \(best.step)"))
      }
    }
    return rows
  }

  /// What Hessian-free steps tell.
  private var hessianFreeRows: [(String, String)] {
    let steps = history.steps.compactMap(\.hessianFree)
    guard let last = steps.last else { return [] }
    let iterations = steps.map { Double($0.iterations) }.sorted()
    let costs = steps.map(\.gradientEquivalents).filter(\.isFinite)
    let taken = steps.count { $0.stepLength > 0 }
    return [
      (
        "conjugate gradients",
        "median \(Int(ClipSuggestion.percentile(50, of: iterations))) iterations a step"
      ), ("damping", "\(readable(last.damping, digits: 3)) at last"),
      ("directions taken", "\(taken) of \(steps.count)"),
      (
        "gradient-equivalents",
        "\(readable(costs.reduce(0, +), digits: 3)) in \(counted(costs.count, "step")), by time"
      ),
    ]
  }

  /// The losses of steps and evaluations.
  public var lossPlot: LinePlot {
    var series = [
      LinePlot.Series("training loss, each step", history.steps.map { (Double($0.step), $0.loss) })
    ]
    if !history.evaluations.isEmpty {
      series.append(
        .init(
          "test loss", history.evaluations.map { (Double($0.step), $0.loss) }, style: .marked))
    }
    return LinePlot(
      title: "Loss of the run \(name)", xLabel: "step", yLabel: "loss", logarithmic: true, series)
  }

  /// The norms before and after clipping.
  public var normPlot: LinePlot {
    LinePlot(
      title: "Gradient norm of the run \(name)", xLabel: "step", yLabel: "norm", logarithmic: true,
      [
        .init("before clipping", history.steps.map { (Double($0.step), $0.gradientNorm) }),
        .init("after clipping", history.steps.map { (Double($0.step), $0.clippedGradientNorm) }),
      ])
  }
}
