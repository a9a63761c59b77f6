import LockstepReports
import Testing

@Suite struct LinePlotTests {
  /// The coordinates of all lines in a document.
  private func points(_ svg: String) -> [(Double, Double)] {
    svg.split(separator: "\n").filter { $0.contains("<polyline") }.flatMap { line in
      line.split(separator: "\"")[1].split(separator: " ").map { pair in
        let numbers = pair.split(separator: ",").compactMap { Double($0) }
        return (numbers[0], numbers[1])
      }
    }
  }

  /// Points lie inside the frame, larger values higher and further right.
  @Test(arguments: [false, true]) func linesGoWhereTheirValuesAre(_ logarithmic: Bool) {
    let values = (1...50).map { (x: Double($0), y: Double($0 * $0)) }
    let plot = LinePlot(
      title: "a < b & c", xLabel: "x", yLabel: "y", logarithmic: logarithmic, [.init("s", values)])
    let found = points(plot.svg)
    #expect(found.count == 50)
    for (first, second) in zip(found, found.dropFirst()) {
      #expect(second.0 > first.0 && second.1 < first.1)
    }
    #expect(found.allSatisfy { (70...700).contains($0.0) && (40...350).contains($0.1) })
    #expect(plot.svg.contains("a &lt; b &amp; c"))
    #expect(plot.svg.hasPrefix("<svg") && plot.svg.hasSuffix("</svg>\n"))
  }

  /// A long line keeps its ends and its extremes.
  @Test func longLinesAreThinned() {
    var values: [(x: Double, y: Double)] = []
    for index in 0..<100_000 {
      let y = index == 54_321 ? 9.0 : Double(1 + index % 7)
      values.append((x: Double(index), y: y))
    }
    let found = points(LinePlot(title: "", xLabel: "", yLabel: "", [.init("s", values)]).svg)
    let top = found.reduce(Double.infinity) { min($0, $1.1) }
    // At most four points a column of the picture.
    #expect(found.count <= 4 * 720)
    #expect(found.count { $0.1 == top } == 1)
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.0 <= $1.0 })
  }

  /// Axes of any range come to an end.
  @Test(
    arguments: [
      [5e-324], [1e20, 1e20], [1e20, 1.0000000001e20], [-1e308, 1e308], [1e-300, 1e300],
      [0, 5e-324],
      [1e308, 1.7e308], [-5e-324, 5e-324], [1e16, 10_000_000_000_000_002],
    ] as [[Double]])
  func anyRangeHasAxes(ys: [Double]) {
    for logarithmic in [false, true] {
      let points = ys.map { (x: $0, y: $0) }
      let plot = LinePlot(
        title: "", xLabel: "", yLabel: "", logarithmic: logarithmic, logarithmicX: logarithmic,
        [.init("s", points)])
      #expect(plot.svg.utf8.count < 20_000)
      #expect(!plot.svg.contains("nan") && !plot.svg.contains("\"inf"))
    }
  }

  @Test func whatCannotBeShownIsLeftOut() {
    let plot = LinePlot(
      title: "", xLabel: "", yLabel: "", logarithmic: true,
      [.init("s", [(1, 0), (2, .nan), (3, 1), (4, 10), (5, .infinity)])])
    #expect(points(plot.svg).count == 2)
    let empty = LinePlot(title: "", xLabel: "", yLabel: "", [.init("none", [])])
    #expect(empty.svg.hasSuffix("</svg>\n"))
    let flat = LinePlot(title: "", xLabel: "", yLabel: "", [.init("flat", [(0, 3), (1, 3)])])
    #expect(!flat.svg.contains("nan"))
  }
}
