import LockstepFiles
import LockstepReports
import LockstepTestSupport
import Testing

/// What terminals show of runs.
@Suite struct TerminalTests {
  private func line(_ step: Int, isUnicode: Bool = true) -> ProgressLine {
    ProgressLine(
      step: step, total: 1000, title: "epoch 3/10", secondsLeft: 42,
      facts: ["loss 0.1234", "norm 1.5", "clipped 38 %", "12345 examples/s"],
      isUnicode: isUnicode)
  }

  @Test(arguments: [0, 1, 5, 20, 30, 45, 60, 80, 100, 200])
  func aLineFitsAndLosesTheLeastImportantFirst(width: Int) {
    for isUnicode in [true, false] {
      let text = line(412, isUnicode: isUnicode).text(width: width)
      #expect(text.count <= width, "\(text)")
      if width >= 45 { #expect(text.contains("41 %") && text.contains("step 412/1000")) }
      if text.contains("examples/s") {
        #expect(text.contains("loss") && text.contains("0:42 left"))
      }
      if !isUnicode { #expect(text.utf8.allSatisfy { $0 < 0x80 }) }
    }
    #expect(line(412).text(width: 200).contains("12345 examples/s"))
  }

  /// Only the last step is all of a run.
  @Test func theShareIsRoundedDown() {
    #expect(line(999).text(width: 100).contains("99 %"))
    #expect(line(1000).text(width: 100).contains("100 %"))
    #expect(line(0).text(width: 100).contains(" 0 %"))
  }

  @Test(arguments: [2, 3, 6, 28]) func barsHaveTheirWidth(width: Int) {
    for part in [0, 0.01, 0.5, 0.99, 1] {
      for isUnicode in [true, false] {
        #expect(ProgressLine.bar(part, width: width, isUnicode: isUnicode).count == width)
      }
    }
  }

  @Test func durations() {
    for (seconds, text) in [
      (0.4, "0:00"), (42, "0:42"), (723, "12:03"), (3723, "1:02:03"), (273_600, "3 d 4 h"),
      (.infinity, "long"), (.nan, "long"), (-3, "0:00"),
    ] {
      #expect(ProgressLine.duration(seconds) == text)
    }
  }

  @Test(arguments: [true, false]) func plotsFillTheirFrame(isUnicode: Bool) {
    let values = (1...1000).map { 2 / Double($0) }
    for (width, height) in [(80, 10), (40, 4), (20, 1)] {
      let lines = TextPlot(values, isLogarithmic: true, isUnicode: isUnicode)
        .lines(width: width, height: height).map(\.text)
      #expect(lines.count == height && lines.allSatisfy { $0.count <= width })
    }
    let plot = TextPlot([1, .nan, .infinity, 2], isLogarithmic: false, isUnicode: isUnicode)
    #expect(plot.lines(width: 40, height: 4).count == 4)
    #expect(TextPlot([], isLogarithmic: true, isUnicode: true).lines(width: 40, height: 4).isEmpty)
    #expect(
      TextPlot([1], isLogarithmic: true, isUnicode: true).lines(width: 3, height: 4).isEmpty)
  }

  /// A falling line begins at the top on the left and ends at the bottom on the right.
  @Test func plotsFollowTheirValues() throws {
    let lines = TextPlot(
      (0..<60).map { 60 - Double($0) }, isLogarithmic: false, isUnicode: false
    ).lines(width: 40, height: 6).map(\.text)
    let first = try #require(lines.first?.firstIndex(of: "*"))
    let last = try #require(lines.last?.lastIndex(of: "*"))
    #expect(first.utf16Offset(in: lines[0]) < 10)
    #expect(last.utf16Offset(in: lines[5]) > 35)
  }

  /// Few values, many, and leaps between them: a column has a dot, and one beside the column's before it.
  @Test("lines have no gaps", arguments: [2, 3, 9, 40, 200])
  func plotsHaveNoGaps(count: Int) throws {
    let values = (0..<count).map { Double($0 * 7919 % 101) }
    let lines = TextPlot(values, isLogarithmic: false, isUnicode: false).lines(
      width: 40, height: 12)
    let rows = lines.map { Array($0.dots) }
    var before: [Int]?
    for column in rows[0].indices {
      let dots = rows.indices.filter { rows[$0][column] == "*" }
      let first = try #require(dots.first), last = try #require(dots.last)
      if let before { #expect(first <= before[1] + 1 && last >= before[0] - 1, "\(column)") }
      before = [first, last]
    }
    // Both ends of the values are shown.
    #expect(rows[0].contains("*") || rows[1].contains("*"))
    #expect(rows[11].contains("*") || rows[10].contains("*"))
  }

  // MARK: Watching

  private func step(_ number: Int, loss: Double = 1) -> String {
    """
    {"step":\(number),"epoch":1,"loss":\(loss),"gradientNorm":2,"clippedGradientNorm":1,"clipped":true,\
    "learningRate":0.1,"examples":8,"examplesPerSecond":80}

    """
  }

  private func outcome(_ kind: String, _ message: String = "null") -> [UInt8] {
    Array(
      #"{"outcome":"\#(kind)","exitCode":null,"step":0,"fingerprint":null,"message":\#(message)}"#
        .utf8)
  }

  private func screen(_ run: RunFollower, now: Double? = nil) -> WatchScreen {
    WatchScreen(
      run, name: "run", look: .init(isUnicode: true, hasColor: false),
      now: now ?? run.lastChange ?? 0)
  }

  @Test func newStepsAreReadAsTheyCome() throws {
    let directory = TemporaryDirectory()
    _ = directory.write(
      Array(#"{"epochs":2,"batchSize":8,"clip":{"type":"globalNorm","limit":1}}"#.utf8),
      to: "config.json")
    _ = directory.write(Array(#"{"training":{"examples":20}}"#.utf8), to: "data.json")
    _ = directory.write(outcome("running"), to: "outcome.json")
    let run = try RunFollower(directory.path)
    #expect(run.steps.isEmpty && screen(run).line == "run: starting")
    // A line is read once it is whole.
    let text = step(1) + step(2)
    _ = directory.write(Array(text.utf8.dropLast(10)), to: "metrics.jsonl")
    try run.refresh()
    #expect(run.steps.map(\.step) == [1] && run.totalSteps == 6)
    _ = directory.write(Array((text + step(3)).utf8), to: "metrics.jsonl")
    try run.refresh()
    try run.refresh()
    #expect(run.steps.map(\.step) == [1, 2, 3])
    #expect(screen(run).line.hasPrefix("run: running, step 3/6, loss 1, norm 2, clipped 100 %"))
    // A run that goes on takes steps back.
    _ = directory.write(Array((step(1) + step(2, loss: 5)).utf8), to: "metrics.jsonl")
    try run.refresh()
    #expect(run.steps.map(\.step) == [1, 2] && run.steps[1].loss == 5)
    _ = directory.write(
      Array("{\"step\":2,\"evaluation\":\"test\",\"loss\":1,\"accuracy\":0.75}\n".utf8),
      to: "evaluations.jsonl")
    try run.refresh()
    #expect(screen(run).line.hasSuffix("test loss 1, accuracy 0.75 at step 2"))
    #expect(!screen(run).isOver)
    _ = directory.write(outcome("failed", "\"rank 1 has ended\""), to: "outcome.json")
    try run.refresh()
    #expect(screen(run).isOver && screen(run).line.contains("failed: rank 1 has ended"))
  }

  @Test(arguments: [(10, 3), (20, 8), (40, 24), (80, 24), (200, 60), (1, 1)])
  func theScreenFits(width: Int, height: Int) throws {
    let directory = TemporaryDirectory()
    _ = directory.write(Array(#"{"epochs":2,"steps":900}"#.utf8), to: "config.json")
    _ = directory.write(outcome("running"), to: "outcome.json")
    _ = directory.write(
      Array((1...600).map { step($0, loss: 3 / Double($0)) }.joined().utf8), to: "metrics.jsonl")
    let run = try RunFollower(directory.path)
    let lines = screen(run).lines(width: width, height: height)
    #expect(lines.count <= height)
    #expect(lines.allSatisfy { $0.count <= max(width, 10) }, "\(lines)")
    if height >= 24 { #expect(lines.contains { $0.contains("gradient norm") }) }
  }

  /// A run that logs nothing any more is not called running.
  @Test func silenceIsTold() throws {
    let directory = TemporaryDirectory()
    _ = directory.write(Array("{}".utf8), to: "config.json")
    _ = directory.write(outcome("running"), to: "outcome.json")
    _ = directory.write(Array(step(1).utf8), to: "metrics.jsonl")
    let run = try RunFollower(directory.path)
    let change = try #require(run.lastChange)
    #expect(screen(run, now: change + 5).line.contains("running"))
    #expect(screen(run, now: change + 100).line.contains("no step for 1:40"))
    _ = directory.write(
      Array("process 999999999 on \(hostName)".utf8), to: ".lock")
    #expect(screen(run, now: change).line.contains("killed without a word"))
    _ = directory.write(Array("process 999999999 on elsewhere".utf8), to: ".lock")
    #expect(screen(run, now: change).line.contains("running"))
  }

  @Test func whatIsNoRunIsRefused() {
    let directory = TemporaryDirectory()
    for path in [directory.path, "\(directory.path)/none"] {
      let error = #expect(throws: FileError.self) { try RunFollower(path) }
      #expect(error?.path == path)
    }
  }
}
