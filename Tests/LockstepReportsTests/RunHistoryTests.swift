import LockstepFiles
import LockstepReports
import LockstepTestSupport
import Testing

@Suite struct RunHistoryTests {
  private let line = """
    {"step":1,"epoch":0,"loss":2.5,"accuracy":0.1,"gradientNorm":3,"clippedGradientNorm":1,\
    "clipped":true,"learningRate":0.1,"examples":8,"examplesPerSecond":100}
    """

  @Test func linesAreRead() throws {
    let directory = TemporaryDirectory()
    _ = directory.write(
      Array((line + "\n" + line.replacingStep(2) + "\n{\"step\":3,\"lo").utf8),
      to: "metrics.jsonl")
    _ = directory.write(
      Array("{\"step\":2,\"epoch\":1,\"evaluation\":\"test\",\"loss\":1,\"accuracy\":0.5}\n".utf8),
      to: "evaluations.jsonl")
    let history = try RunHistory(directory: directory.path)
    #expect(history.steps.map(\.step) == [1, 2])
    #expect(history.steps[0].gradientNorm == 3 && history.steps[0].clipped)
    #expect(history.evaluations.count == 1)
    #expect(history.evaluations[0].metrics.map(\.name) == ["accuracy"])
    let rows = RunReport(history, name: "x").rows
    #expect(rows.contains { $0 == ("clipped", "2 of 2 steps") })
  }

  @Test func partsThatWereClippedAreTold() throws {
    let directory = TemporaryDirectory()
    let lines = [(1, 0.25, 0), (2, 0.5, 3), (3, 0, 2)].map { step, shards, heads in
      line.replacingStep(step).replacing(
        "\"examples\":8",
        with: "\"clippedShards\":\(shards),\"clippedHeads\":\(heads),\"examples\":8")
    }
    _ = directory.write(
      Array(lines.map { $0 + "\n" }.joined().utf8), to: "metrics.jsonl")
    let rows = RunReport(try RunHistory(directory: directory.path), name: "x").rows
    for row in [("clipped shards", "mean 25 %"), ("clipped heads", "in 2 of 3 steps, 3 at most")] {
      #expect(rows.contains { $0 == row }, "\(rows)")
    }
    #expect(!rows.contains { $0.0 == "clipped examples" })
  }

  @Test func skippedStepsAndSecondOrderOnesAreTold() throws {
    let directory = TemporaryDirectory()
    let skipped = line.replacingStep(2).replacing(
      "\"gradientNorm\":3", with: "\"gradientNorm\":\"NaN\""
    )
    .replacing("\"examples\":8", with: "\"skipped\":true,\"examples\":8")
    let second = line.replacingStep(3).replacing(
      "\"examples\":8",
      with: """
        "sanitized":{"shards":[1],"dropped":1,"values":0},"hessianFree":{"iterations":7,"products":8,\
        "damping":0.5,"stepLength":0,"gradientEquivalents":12.5},"examples":8
        """)
    _ = directory.write(
      Array([line, skipped, second, ""].joined(separator: "\n").utf8), to: "metrics.jsonl")
    let history = try RunHistory(directory: directory.path)
    #expect(history.steps.map(\.skipped) == [false, true, false])
    #expect(history.steps.map(\.sanitized) == [false, false, true])
    #expect(history.steps[2].hessianFree?.damping == 0.5)
    let rows = RunReport(history, name: "x").rows
    for row in [
      ("steps", "3"), ("clipped", "2 of 3 steps"), ("gradient norm", "median 3"),
      ("skipped, not finite", "1 step"), ("sanitized, not finite", "1 step"),
      ("conjugate gradients", "median 7 iterations a step"), ("directions taken", "0 of 1"),
      ("gradient-equivalents", "12.5 in 1 step, by time"),
    ] {
      #expect(rows.contains { $0 == row }, "\(row)")
    }
  }

  /// A report begins with how the run ended.
  @Test(
    arguments: [
      (#"{"outcome":"done","exitCode":0,"step":2}"#, "done after step 2"),
      (
        #"{"outcome":"interrupted","step":2,"message":null}"#,
        "interrupted after step 2; go on with --resume"
      ),
      (
        #"{"outcome":"failed","step":1,"message":"a\u001bb"}"#, #"failed after step 1: a\u{1b}b"#
      ),
      // Of a run that was killed the file is as old as the run.
      (
        #"{"outcome":"running","step":0}"#,
        "still running, or killed without a word; the last step logged is 2"
      ), ("nonsense", "unknown: outcome.json is damaged"),
    ] as [(String, String)])
  func theEndIsTold(outcome: String, text: String) throws {
    let directory = TemporaryDirectory()
    _ = directory.write(Array(outcome.utf8), to: "outcome.json")
    let none = RunReport(try RunHistory(directory: directory.path), name: "x").rows
    #expect(none.map(\.0) == ["outcome", "steps"] && none[1].1 == "0")
    _ = directory.write(
      Array((line + "\n" + line.replacingStep(2) + "\n").utf8), to: "metrics.jsonl")
    let rows = RunReport(try RunHistory(directory: directory.path), name: "x").rows
    #expect(rows[0].0 == "outcome" && rows[0].1 == text)
    #expect(rows[1].0 == "steps" && rows[1].1 == "2")
  }

  @Test func damageIsNamed() {
    let directory = TemporaryDirectory()
    #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    _ = directory.write(Array(("nonsense\n" + line + "\n").utf8), to: "metrics.jsonl")
    let noise = #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    #expect(
      noise?.reason
        == "line 1 cannot be read (column 1: expected an object, found 'n'); mend the line, or remove it"
    )
    _ = directory.write(Array((line + "\n{\"step\": 2}\n").utf8), to: "metrics.jsonl")
    let lacking = #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    #expect(lacking?.reason == "line 2 has no number 'loss'; mend the line, or remove it")
  }

  /// Each damage is named with its line, and nothing traps.
  @Test(
    arguments: [
      ("{\"step\":1e400}", "line 2 cannot be read (column 9: the number is out of range)"),
      ("{\"step\":1}", "line 2 is of step 1, and stands behind step 1"),
      ("{\"step\":-3}", "line 2 is of step -3"), ("{\"step\":1.5}", "line 2 has no number 'step'"),
      ("{\"step\":2,\"loss\":[]}", "line 2 has no number 'loss'"), ("[2]", "line 2 cannot be read"),
      ("{\"step\":2,\"x\":" + String(repeating: "[", count: 200), "nested deeper than 128 levels"),
      ("\u{0}\u{0}", "line 2 cannot be read"),
    ] as [(String, String)])
  func damagedLinesAreNamed(damage: String, message: String) throws {
    let directory = TemporaryDirectory()
    _ = directory.write(
      Array((line + "\n" + damage + "\n" + line.replacingStep(9) + "\n").utf8),
      to: "metrics.jsonl")
    let error = #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    #expect(error?.reason.contains(message) == true, "\(error?.reason ?? "")")
  }

  /// A line that was set aside is blank.
  @Test func blankLinesArePassedOver() throws {
    let directory = TemporaryDirectory()
    _ = directory.write(
      Array((line + "\n     \n\n" + line.replacingStep(3) + "\r\n").utf8), to: "metrics.jsonl")
    #expect(try RunHistory(directory: directory.path).steps.map(\.step) == [1, 3])
  }

  /// Numbers at the ends of their range, and evaluations that differ in their metrics.
  @Test func strangeNumbersAreReported() throws {
    let directory = TemporaryDirectory()
    let numbers = [
      "\"NaN\"", "\"Infinity\"", "1e308", "-1e308", "5e-324", "0", "9223372036854775807", "1e-200",
    ]
    for first in numbers {
      let lines = (1...40).map { step in
        let value = step % 2 == 0 ? first : numbers[step % numbers.count]
        return """
          {"step":\(step),"loss":\(value),"gradientNorm":\(value),"clippedGradientNorm":\(value),\
          "learningRate":\(value),"examplesPerSecond":\(value),"hessianFree":{"iterations":\(step),\
          "damping":\(value),"stepLength":\(value)}}
          """
      }
      _ = directory.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: "metrics.jsonl")
      _ = directory.write(
        Array(
          """
          {"step":1,"loss":\(first),"accuracy":0.5,"f1":\(first)}
          {"step":2,"loss":1}
          {"step":2,"loss":\(first),"f1":1,"\\u001b[2J":\(first)}\n
          """.utf8), to: "evaluations.jsonl")
      let history = try RunHistory(directory: directory.path)
      let report = RunReport(history, name: "x")
      #expect(report.rows.contains { $0.0 == "best f1" })
      #expect(report.rows.allSatisfy { !$0.0.contains("\u{1b}") })
      for plot in [report.lossPlot, report.normPlot] {
        #expect(plot.svg.hasSuffix("</svg>\n"))
        #expect(!plot.svg.contains("\"nan") && !plot.svg.contains("inf\""))
      }
      _ = try? ClipSuggestion(history)
    }
  }

  @Test func damageNeverTrapsNorTakesLong() async {
    await #expect(processExitsWith: .success) {
      let directory = TemporaryDirectory()
      let line = """
        {"step":1,"epoch":0,"loss":2.5,"accuracy":0.1,"gradientNorm":3,"clippedGradientNorm":1,\
        "clipped":true,"learningRate":0.1,"examples":8,"examplesPerSecond":100}
        """
      let text = Array(
        (1...30).map { line.replacingStep($0) }.joined(separator: "\n").utf8)
      var mutator = Mutator(seed: 9)
      var read = 0
      withMemoryBound {
        for _ in 0..<1500 {
          _ = directory.write(mutator.mutate(text), to: "metrics.jsonl")
          guard let history = try? RunHistory(directory: directory.path) else { continue }
          read += 1
          let report = RunReport(history, name: "x")
          _ = (report.rows, report.lossPlot.svg, report.normPlot.svg)
          _ = try? ClipSuggestion(history)
        }
      }
      #expect(read > 100)
    }
  }

  /// Many lines take little more memory than their numbers, and a plot of them is a small file.
  @Test func longHistoriesStaySmall() async {
    await #expect(processExitsWith: .success) {
      let directory = TemporaryDirectory()
      let line = """
        ,"epoch":0,"loss":2.5125817,"gradientNorm":3.13897,"clippedGradientNorm":1,"clipped":true,\
        "learningRate":0.1,"examples":8,"examplesPerSecond":1001.5}\n
        """
      var text: [UInt8] = []
      for step in 1...200_000 { text += Array("{\"step\":\(step)\(line)".utf8) }
      _ = directory.write(text, to: "metrics.jsonl")
      let size = text.count
      text = []
      try withMemoryBound(growth: 2 * size) {
        let report = RunReport(try RunHistory(directory: directory.path), name: "x")
        #expect(report.lossPlot.svg.utf8.count < 100_000)
      }
    }
  }
}

extension String {
  fileprivate func replacingStep(_ step: Int) -> String {
    "{\"step\":\(step)" + drop { $0 != "," }
  }
}
