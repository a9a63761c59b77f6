import LockstepFiles

/// Several runs in one picture: their losses and their gradient norms.
package struct RunComparison: Sendable {
  private let runs: [(name: String, history: RunHistory)]

  /// The most points of a line.
  private static let points = 100

  /// A comparison of histories, each with what its run is called in the legend.
  package init(_ runs: [(name: String, history: RunHistory)]) { self.runs = runs }

  /// The training losses: the means of as many steps as leave a hundred points a line.
  package var lossPlot: LinePlot {
    plot("Loss", "training loss, mean of") { steps in
      steps.map(\.loss).reduce(0, +) / Double(steps.count)
    }
  }

  /// The norms before clipping: the largest of as many steps as leave a hundred points a line.
  package var normPlot: LinePlot {
    plot("Gradient norm before clipping", "norm, largest of") { steps in
      // The maximum of numbers would pass over those that are none.
      steps.first { !$0.gradientNorm.isFinite }?.gradientNorm
        ?? steps.map(\.gradientNorm).max() ?? .nan
    }
  }

  private func plot(
    _ title: String, _ label: String, _ value: (ArraySlice<RunHistory.Step>) -> Double
  ) -> LinePlot {
    let longest = runs.map { $0.history.steps.count }.max() ?? 0
    let size = max(1, (longest + Self.points - 1) / Self.points)
    let series = runs.map { name, history in
      let steps = history.steps
      var points = stride(from: 0, to: steps.count, by: size).map { start in
        let window = steps[start..<min(start + size, steps.count)]
        return (x: Double(window.last?.step ?? 0), y: value(window))
      }
      // What ended the run is in no step of its log.
      if history.ending?.kind == "failed" {
        points.append((x: Double((steps.last?.step ?? 0) + 1), y: .nan))
      }
      return LinePlot.Series(name, points)
    }
    return LinePlot(
      title: "\(title) of \(counted(runs.count, "run"))", xLabel: "step",
      yLabel: "\(label) \(counted(size, "step"))", logarithmic: true, series)
  }
}
