import LockstepReports
import Testing

@Suite struct PlotAxisTests {
  private static let ranges: [[Double]] = [
    [0, 1], [-3, 5], [2.5], [1e-9, 2e-9], [1e8, 1.0001e8], [-1e300, 1e300], [],
    [.nan, 4, .infinity],
  ]

  @Test(arguments: ranges, [false, true])
  func ticksAreFewRoundAndInside(values: [Double], logarithmic: Bool) {
    let axis = PlotAxis(values, logarithmic: logarithmic)
    let ticks = axis.ticks.map(\.value)
    #expect(axis.low < axis.high)
    #expect(ticks.count < 25)
    #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 < $1 })
    #expect(ticks.allSatisfy { $0 >= axis.low && $0 <= axis.high })
    #expect(Set(axis.ticks.map(\.label)).count == ticks.count)
  }

  /// Order is kept, and what was given has a place strictly inside, or at an end that is 0.
  @Test(arguments: [false, true])
  func placesKeepTheOrder(logarithmic: Bool) {
    let values = [0.001, 0.5, 3, 700]
    let places = values.map(PlotAxis(values, logarithmic: logarithmic).place)
    #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
    #expect(places.allSatisfy { $0 >= 0 && $0 < 1 })
  }

  @Test func aLogarithmicAxisShowsPositiveNumbersAlone() {
    let axis = PlotAxis([0, -1, 10, 1000], logarithmic: true)
    #expect(axis.low > 0)
    #expect(axis.shows(10) && !axis.shows(0) && !axis.shows(-1) && !axis.shows(.infinity))
    #expect(axis.ticks.map(\.value).contains(100))
  }

  @Test func namesStandAtWholeNumbers() {
    let axis = PlotAxis(categories: ["a", "b", String(repeating: "x", count: 40)])
    #expect(axis.ticks.map(\.value) == [0, 1, 2])
    #expect(axis.ticks[0].label == "a" && axis.ticks[2].label.hasSuffix("…"))
    #expect(axis.place(1) == 0.5)
  }
}
