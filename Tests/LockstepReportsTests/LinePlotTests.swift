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

  /// The height at which a text stands.
  private func height(of text: String, in svg: String) throws -> Double {
    let line = try #require(svg.split(separator: "\n").first { $0.contains(">\(text)</text>") })
    let rest = try #require(line.components(after: " y=\""))
    return try #require(Double(rest.prefix { $0 != "\"" }))
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
    #expect(found.allSatisfy { (76...700).contains($0.0) && (40...350).contains($0.1) })
    #expect(plot.svg.contains("a &lt; b &amp; c"))
    #expect(plot.svg.hasPrefix("<svg") && plot.svg.hasSuffix("</svg>\n"))
  }

  /// Axes of any range come to an end.
  @Test(
    arguments: [
      [.leastNonzeroMagnitude], [1e20, 1e20], [1e20, 1.0000000001e20], [-1e308, 1e308],
      [1e-300, 1e300],
      [0, .leastNonzeroMagnitude],
      [1e308, 1.7e308], [-.leastNonzeroMagnitude, .leastNonzeroMagnitude],
      [1e16, 10_000_000_000_000_002],
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

  /// However many series there are, their names stand below the frame, where no curve is.
  @Test func theLegendCoversNoCurve() throws {
    let names = (0..<20).map { "series number \($0)" }
    var plot = LinePlot(
      title: "", xLabel: "", yLabel: "", names.map { .init($0, [(0, 0), (1, 1)]) })
    plot.levels = [("level", 0.5)]
    for name in names + ["level"] { #expect(try height(of: name, in: plot.svg) > 350) }
    let all = Set(try names.map { try height(of: $0, in: plot.svg) })
    #expect(all.count > 3)
  }

  /// What has no place is marked at the edge, and the line is cut there.
  @Test func whatCannotBeShownIsMarked() {
    let plot = LinePlot(
      title: "", xLabel: "", yLabel: "", logarithmic: true,
      [.init("s", [(1, 0), (2, .nan), (3, 1), (4, 10), (5, .infinity), (6, 3), (7, 4)])])
    #expect(points(plot.svg).count == 4)
    #expect(plot.svg.split(separator: "\n").count { $0.contains("<path") } == 3 + 2)
    #expect(plot.svg.contains(">not finite, or diverged<"))
    #expect(plot.svg.contains(">zero or less: below this axis<"))
    let empty = LinePlot(title: "", xLabel: "", yLabel: "", [.init("none", [])])
    #expect(empty.svg.hasSuffix("</svg>\n"))
    // Where nothing is positive, a logarithmic axis would show nothing.
    let zeros = LinePlot(
      title: "", xLabel: "", yLabel: "", logarithmic: true, [.init("s", [(0, 0), (1, -1)])])
    #expect(points(zeros.svg).count == 2)
  }

  /// Labels are short and exact, whatever the values are.
  @Test(
    arguments: [
      [1, 1e25], [1e-300, 1e300], [.leastNonzeroMagnitude, 1], [0, 1e308], [-1e308, 1e308],
      [1e9, 1e9 + 1], [3, 3],
      [0, 0], [1e-9, 2e-9], [0.1, 0.30000000000000004], [1.5, 1.6], [12345, 23456], [-5, 5],
    ] as [[Double]], [false, true])
  func ticksAreReadable(_ values: [Double], _ logarithmic: Bool) {
    let plot = LinePlot(
      title: "", xLabel: "", yLabel: "", logarithmic: logarithmic,
      [.init("s", values.enumerated().map { (Double($0.offset), $0.element) })])
    #expect(!plot.svg.contains("nan") && !plot.svg.contains("\"inf"))
    let labels = plot.svg.split(separator: "\n").filter { $0.contains("text-anchor=\"end\"") }
      .compactMap { $0.components(after: "\">")?.prefix { $0 != "<" } }
    #expect((1...14).contains(labels.count), "\(labels)")
    #expect(Set(labels).count == labels.count, "\(labels)")
    #expect(
      labels.allSatisfy { $0.count <= 12 && !$0.contains("9999") && !$0.contains("0000000") },
      "\(labels)")
  }

  @Test func namesHaveAnAxisOfTheirOwn() {
    let plot = LinePlot(
      title: "", xLabel: "", yLabel: "", categories: ["sgd", "adam", "lion"],
      [.init("s", [(0, 1), (1, 2), (2, 3)], style: .marked)])
    for name in ["sgd", "adam", "lion"] { #expect(plot.svg.contains(">\(name)</text>")) }
    #expect(!plot.svg.contains(">0.5</text>"))
  }

  /// A picture of a million points has no more of them than it has columns.
  @Test func longRunsMakeSmallPictures() {
    var values: [(x: Double, y: Double)] = []
    for step in 0..<1_000_000 {
      let value: Double = step == 777_777 ? 5 : Double(step % 7) / 7
      values.append((x: Double(step), y: value))
    }
    let plot = LinePlot(title: "", xLabel: "", yLabel: "", [.init("s", values)])
    let found = points(plot.svg)
    #expect(found.count < 4000)
    // The one spike is still there.
    #expect(found.filter { $0.1 < 100 }.count == 1)
  }

  @Test func textsCannotBreakTheDocument() {
    let plot = LinePlot(title: "a\u{1B}[31m\"<b>\u{0}", xLabel: "", yLabel: "", [])
    #expect(plot.svg.contains("a[31m&quot;&lt;b&gt;<"))
  }
}

extension StringProtocol {
  /// What stands behind the last place of a text.
  fileprivate func components(after mark: String) -> String? {
    let text = String(self)
    let marks = Array(mark)
    let characters = Array(text)
    guard characters.count >= marks.count else { return nil }
    for start in stride(from: characters.count - marks.count, through: 0, by: -1)
    where Array(characters[start..<start + marks.count]) == marks {
      return String(characters[(start + marks.count)...])
    }
    return nil
  }
}
