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
      ("steps", "3"), ("clipped", "2 of 3 steps"), ("gradient norm", "median 3.0"),
      ("skipped, not finite", "1 steps"), ("sanitized, not finite", "1 steps"),
      ("conjugate gradients", "median 7 iterations a step"), ("directions taken", "0 of 1"),
      ("gradient-equivalents", "12.5 in 1 steps, by time"),
    ] {
      #expect(rows.contains { $0 == row }, "\(row)")
    }
  }

  @Test func damageIsNamed() {
    let directory = TemporaryDirectory()
    #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    _ = directory.write(Array(("nonsense\n" + line + "\n").utf8), to: "metrics.jsonl")
    let noise = #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    #expect(noise?.reason == "line 1 is no JSON")
    _ = directory.write(Array((line + "\n{\"step\": 2}\n").utf8), to: "metrics.jsonl")
    let lacking = #expect(throws: FileError.self) { try RunHistory(directory: directory.path) }
    #expect(lacking?.reason == "line 2 has no number 'loss'")
  }
}

extension String {
  fileprivate func replacingStep(_ step: Int) -> String {
    "{\"step\":\(step)" + drop { $0 != "," }
  }
}
