import LockstepFiles
import LockstepReports
import Testing

@Suite struct SweepPlotTests {
  private func point(_ values: JSONValue..., loss: Double = 1) -> SweepPoint {
    SweepPoint(
      values: values, trainingLoss: loss, testLoss: loss + 0.5, accuracy: 0.9,
      diverged: !loss.isFinite)
  }

  @Test func numbersFarApartHaveALogarithmicAxis() {
    let wide = LinePlot(
      sweep: [point(0.1), point(1), point(1000)], over: ["clip.limit"])
    #expect(wide.isLogarithmicX && wide.categories == nil)
    #expect(wide.title == "Final loss for each value of clip.limit")
    let narrow = LinePlot(sweep: [point(1), point(2), point(0)], over: ["seed"])
    #expect(!narrow.isLogarithmicX && narrow.categories == nil)
    #expect(narrow.series[0].points.map(\.x) == [0, 1, 2])
    // Zero has no place on a logarithmic axis: every value gets a place of its own.
    let zero = LinePlot(sweep: [point(0.1), point(0), point(1e-5)], over: ["wd"])
    #expect(zero.categories == ["0", "1e-5", "0.1"])
  }

  @Test func namesHavePlacesInTheirOrder() {
    let plot = LinePlot(
      sweep: [point("sgd"), point("adam"), point(["type": "lion"])], over: ["optimizer"])
    #expect(plot.categories == ["sgd", "adam", #"{"type":"lion"}"#])
    #expect(plot.series[0].points.map(\.x) == [0, 1, 2])
  }

  /// With two keys each value of the second is a series with its name.
  @Test func aSecondKeyIsAColor() {
    let plot = LinePlot(
      sweep: [
        point(0.1, "adam"), point(0.1, "sgd"), point(0.2, "adam", loss: 2), point(0.2, "sgd"),
      ], over: ["lr", "type"])
    #expect(plot.series.map(\.name) == ["type = adam", "", "type = sgd", ""])
    #expect(plot.series.map(\.color) == [0, 0, 1, 1])
    #expect(plot.series[0].points.map(\.y) == [1.5, 2.5])
  }

  /// A diverged run and an accuracy of 1 are seen.
  @Test func nothingVanishes() {
    let perfect = SweepPoint(
      values: [2], trainingLoss: 0.1, testLoss: 0.1, accuracy: 1, diverged: false)
    let plot = LinePlot(sweep: [point(1, loss: .nan), perfect, point(3)], over: ["x"])
    #expect(plot.svg.contains(">not finite, or diverged<"))
    #expect(plot.svg.contains(">zero or less: below this axis<"))
  }
}
