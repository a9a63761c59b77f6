import LockstepFiles
import LockstepReports
import LockstepTestSupport
import Testing

@Suite struct ReportPageTests {
  /// A run directory with so many steps, of which every third is clipped.
  private static func write(
    _ count: Int, to directory: TemporaryDirectory, spikeAt spike: Int? = nil, badAt bad: Int? = nil
  ) throws -> RunRecord {
    var lines = ""
    for step in 1...count {
      let loss = step == spike ? "1234.5" : step == bad ? "\"NaN\"" : "\(2.0 / Double(step))"
      lines += """
        {"step":\(step),"epoch":1,"loss":\(loss),"accuracy":0.5,"gradientNorm":\(step % 7 + 1),\
        "clippedGradientNorm":\(step % 3 == 0 ? 1 : step % 7 + 1),"clipped":\(step % 3 == 0),\
        "coefficient":1,"learningRate":0.123456789,"examples":8,"examplesPerSecond":\(1000 + step % 13)}

        """
    }
    _ = directory.write(Array(lines.utf8), to: "metrics.jsonl")
    _ = directory.write(
      Array("{\"step\":\(count),\"evaluation\":\"test\",\"loss\":1,\"accuracy\":0.75}\n".utf8),
      to: "evaluations.jsonl")
    _ = directory.write(
      Array(
        #"""
        {"outcome":"done","exitCode":0,"step":1,"fingerprint":"00ff","message":null}
        """#.utf8), to: "outcome.json")
    _ = directory.write(
      Array(#"{"name":"</script><b>","clip":{"type":"globalNorm","limit":1}}"#.utf8),
      to: "config.json")
    return try RunRecord(directory: directory.path, name: "a <run> & \"more\"")
  }

  /// The page's data, as its script reads it.
  private static func data(_ html: String) throws -> JSONValue {
    let start = try #require(html.firstRange(of: "<script type=\"application/json\" id=\"data\">"))
    let end = try #require(html[start.upperBound...].firstRange(of: "</script>"))
    return try JSONValue.parse(String(html[start.upperBound..<end.lowerBound]))
  }

  private static func chart(_ id: String, _ data: JSONValue) throws -> JSONValue {
    try #require(data["charts"]?.arrayValue?.first { $0["id"]?.stringValue == id })
  }

  @Test func namesAreEscaped() throws {
    let directory = TemporaryDirectory()
    let html = ReportPage([try Self.write(5, to: directory)], version: "1").html
    #expect(html.contains("a &lt;run&gt; &amp; &quot;more&quot;"))
    #expect(!html.contains("<run>") && !html.contains("</script><b>"))
    #expect(html.contains("&lt;/script&gt;&lt;b&gt;"))
  }

  /// Nothing is fetched: no address but the name space of SVG.
  @Test func itNeedsNothingElse() throws {
    let directory = TemporaryDirectory()
    let html = ReportPage([try Self.write(5, to: directory)], version: "1").html
    let addresses = html.split(separator: "http").dropFirst().map { $0.prefix(30) }
    #expect(addresses.allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg") }, "\(addresses)")
    #expect(!html.contains("src=\"/") && !html.contains("@import"))
  }

  @Test func stepsAreThereWithTheirClips() throws {
    let directory = TemporaryDirectory()
    let data = try Self.data(
      ReportPage([try Self.write(100, to: directory)], version: "1").html)
    let norm = try Self.chart("norm", data)
    #expect(norm["log"] == true)
    let before = try #require(norm["series"]?.arrayValue?.first)
    #expect(before["x"]?.arrayValue?.count == 100)
    let strip = try #require(norm["strips"]?.arrayValue?.first)
    #expect(strip["clipped"]?.arrayValue?.compactMap(\.integerValue).reduce(0, +) == 33)
    #expect(norm["levels"]?.arrayValue?.first?["y"] == 1)
    let rate = try Self.chart("rate", data)
    #expect(rate["series"]?.arrayValue?.first?["y"]?.arrayValue?.first == .number(0.12346))
    #expect(throws: Never.self) { _ = try Self.chart("metric-0", data) }
  }

  /// Of very many steps few points are left, and none of the extremes is lost.
  @Test func spikesSurvive() throws {
    let directory = TemporaryDirectory()
    let run = try Self.write(20_000, to: directory, spikeAt: 12_345, badAt: 777)
    let html = ReportPage([run], version: "1").html
    #expect(html.utf8.count < 3_000_000)
    let loss = try Self.chart("loss", Self.data(html))
    let series = try #require(loss["series"]?.arrayValue?.first)
    let x = series["x"]?.arrayValue?.compactMap(\.integerValue) ?? []
    let y = series["y"]?.arrayValue?.compactMap(\.doubleValue) ?? []
    #expect(x.count <= 6000 && x.count == y.count && x == x.sorted())
    #expect(zip(x, y).contains { $0 == 12_345 && $1 == 1234.5 })
    #expect(x.first == 1 && x.last == 20_000)
    #expect(series["bad"]?.arrayValue?.compactMap(\.integerValue) == [777])
  }

  @Test func thinningKeepsLowestAndHighestOfEachColumn() {
    var state: UInt64 = 3
    let points = (0..<5000).map { index -> (x: Double, y: Double) in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Double(index), Double(state >> 40))
    }
    let kept = PageSeries.thinned(points, columns: 100)
    #expect(kept.count <= 400)
    for column in 0..<100 {
      let all = points[column * 50..<(column + 1) * 50].map(\.y)
      let some = kept.filter { Int($0.x) / 50 == column }.map(\.y)
      #expect(some.min() == all.min() && some.max() == all.max())
      #expect(some.first == all.first && some.last == all.last)
    }
    #expect(PageSeries.thinned(Array(points.prefix(300)), columns: 100).count == 300)
  }

  @Test func severalRunsShowWhatDiffers() throws {
    let (first, second) = (TemporaryDirectory(), TemporaryDirectory())
    let run = try Self.write(10, to: first)
    _ = try Self.write(10, to: second)
    _ = second.write(
      Array(#"{"name":"</script><b>","clip":{"type":"globalNorm","limit":2.5}}"#.utf8),
      to: "config.json")
    let other = try RunRecord(directory: second.path, name: "other")
    let html = ReportPage([run, other], version: "1").html
    #expect(
      html.contains(
        "<tr><th scope=\"row\">clip.limit</th><td>1</td><td>2.5</td></tr>"))
    let loss = try Self.chart("loss", Self.data(html))
    #expect(loss["series"]?.arrayValue?.count == 4)
    #expect(
      loss["series"]?.arrayValue?.compactMap { $0["color"]?.integerValue } == [0, 0, 1, 1])
  }

  /// Norms, profile and evaluation of a run come onto the page.
  @Test func whatIsRecordedBesideIsShown() throws {
    let directory = TemporaryDirectory()
    _ = try Self.write(20, to: directory)
    let norms = [1, 10, 20].map { step in
      """
      {"step":\(step),"gradients":{"a.weight":[\(step),0.5],"a.bias":[1,0.5]},\
      "weights":{"a.weight":3,"a.bias":0.25},"units":{"a.weight":[0.5,1.5,0.0,2.0]}}

      """
    }.joined()
    _ = directory.write(Array(norms.utf8), to: "norms.jsonl")
    let breakdown = BreakdownRecord(
      steps: 3...7,
      parts: [.init(name: "forward", isWaiting: false, milliseconds: [1.5, 2])])
    _ = directory.write(Array(breakdown.json.compactText.utf8), to: BreakdownRecord.name)
    let evaluation = EvaluationRecord(
      part: "test", step: 20, examples: 4, lossName: "loss",
      confusion: .init(
        classes: ["cat", "<dog>"], labels: [0, 0, 1, 1], predictions: [0, 1, 1, 1]),
      curves: [try #require(RocCurve("cat", scores: [1, 2], isPositive: [false, true]))],
      worst: [
        .init(
          place: "line 3", label: "cat", prediction: "<dog> (90 %)", isRight: false, loss: 2.5,
          look: .cells([("size", "<4>")])),
        .init(
          place: "line 4", label: "cat", prediction: "cat", isRight: true, loss: 0.5,
          look: .picture("iVBORw0K")),
      ])
    _ = directory.write(Array(evaluation.json.compactText.utf8), to: EvaluationRecord.name)
    let run = try RunRecord(directory: directory.path, name: "run")
    #expect(run.breakdown == breakdown && run.evaluation == evaluation)
    let html = ReportPage([run], version: "1").html
    let data = try Self.data(html)
    let heat = try Self.chart("gradients-0", data)
    #expect(heat["rows"] == ["a.weight", "a.bias"])
    #expect(heat["values"] == [[1, 10, 20], [1, 1, 1]])
    #expect(heat["second"]?.arrayValue?.first == [.number(0.5), .number(0.5), .number(0.5)])
    let units = try Self.chart("units-0", data)
    #expect(units["levels"]?.arrayValue?.map { $0["y"] } == [2])
    #expect(try Self.chart("breakdown-0", data)["rows"] == ["rank 0", "rank 1"])
    #expect(try Self.chart("roc", data)["range"] == [0, 1])
    #expect(html.contains("<th scope=\"row\">&lt;dog&gt;</th>"))
    #expect(html.contains("<div>instead of <strong>cat</strong></div>"))
    #expect(html.contains("<div>rightly <strong>cat</strong></div>"))
    #expect(html.contains("data:image/png;base64,iVBORw0K"))
    #expect(html.contains("&lt;4&gt;"))
  }

  /// A picture that is none could carry anything into the page.
  @Test func onlyBase64IsAPicture() throws {
    let directory = TemporaryDirectory()
    _ = try Self.write(3, to: directory)
    let record = EvaluationRecord(
      part: "test", step: 3, examples: 1, lossName: "loss", confusion: nil, curves: [],
      worst: [
        .init(
          place: "1", label: "a", prediction: "b", isRight: false, loss: 1,
          look: .picture("\"><script>"))
      ])
    _ = directory.write(Array(record.json.compactText.utf8), to: EvaluationRecord.name)
    let html = ReportPage(
      [try RunRecord(directory: directory.path, name: "run")], version: "1"
    ).html
    #expect(!html.contains("\"><script>"))
  }

  @Test(arguments: ["profile.json", "evaluation.json", "config.json"])
  func damagedFilesAreNamed(name: String) throws {
    let directory = TemporaryDirectory()
    _ = try Self.write(3, to: directory)
    for content in ["{\"a\":", "{}"] where !(name == "config.json" && content == "{}") {
      let path = directory.write(Array(content.utf8), to: name)
      let error = #expect(throws: FileError.self) {
        try RunRecord(directory: directory.path, name: "run")
      }
      #expect(error?.path == path)
    }
  }

  @Test func manyColumnsOfNormsAreJoinedByTheirLargest() {
    var table = NormHistory.Table()
    table.steps = Array(1...10)
    table.names = ["a"]
    table.values = [[1, 5, 2, 2, .nan, 1, 3, 4, 9, 1]]
    let (narrow, width) = table.narrowed(to: 4)
    #expect(width == 3 && narrow.steps == [3, 6, 9, 10])
    #expect(narrow.values[0][0] == 5 && narrow.values[0][1].isNaN && narrow.values[0][2] == 9)
    #expect(table.narrowed(to: 10).width == 1)
  }
}
