import LockstepReports
import Testing

@Suite struct RunComparisonTests {
  private func history(
    _ norms: [Double], ending: RunHistory.Ending? = nil
  ) -> RunHistory {
    RunHistory(
      steps: norms.enumerated().map { index, norm in
        .init(
          step: index + 1, loss: Double(index), gradientNorm: norm, clippedGradientNorm: 1,
          clipped: norm > 1, learningRate: 0.1, examplesPerSecond: 1)
      }, ending: ending)
  }

  @Test("a short run has a point a step, with its name")
  func short() {
    let plot = RunComparison([("with", history([1, 2, 3])), ("without", history([4, 5]))])
      .normPlot
    #expect(plot.series.map(\.name) == ["with", "without"])
    #expect(plot.series[0].points.map(\.x) == [1, 2, 3])
    #expect(plot.series[0].points.map(\.y) == [1, 2, 3])
    #expect(plot.series[1].points.map(\.y) == [4, 5])
  }

  @Test("long runs have windows of equal length: means of losses, the largest norms")
  func windows() {
    var norms = Array(repeating: 1.0, count: 1000)
    norms[555] = 77
    let comparison = RunComparison([("a", history(norms)), ("b", history([5, 6, 7]))])
    let losses = comparison.lossPlot.series
    #expect(losses[0].points.count == 100)
    #expect(losses[0].points.map(\.x) == (1...100).map { Double(10 * $0) })
    #expect(losses[0].points[3].y == 34.5)
    #expect(losses[1].points.map(\.y) == [1])
    let largest = comparison.normPlot.series
    #expect(largest[0].points.filter { $0.y == 77 }.map(\.x) == [560])
    #expect(largest[1].points.map(\.x) == [3])
    #expect(largest[1].points.map(\.y) == [7])
  }

  @Test("what is not finite, and the end of a run that failed, are points of the picture")
  func failures() {
    let failed = history([1, .nan, 2, 3], ending: .init(kind: "failed", step: 4))
    let plot = RunComparison([("a", failed), ("b", history([]))]).normPlot
    #expect(plot.series[0].points.map(\.x) == [1, 2, 3, 4, 5])
    #expect(plot.series[0].points.map(\.y.isNaN) == [false, true, false, false, true])
    #expect(plot.series[1].points.isEmpty)
    #expect(RunComparison([("a", failed)]).lossPlot.svg.contains("<svg"))
  }
}
