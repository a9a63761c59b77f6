import LockstepFiles
import LockstepTesting
import Testing

/// Runs that end before their last step: because nothing improves any more, or because time is up.
@Suite struct EarlyEndTests {
  /// Classes that overlap, and a rate that is too large, so that the best evaluation is an early one.
  private static let settings = [
    "--set", "epochs=30", "--set", "data.deviation=6", "--set", "optimizer.learningRate=0.5",
    "--set",
    "earlyStopping={\"patience\": 3}",
  ]

  private func train(
    _ directory: String, _ run: String, _ arguments: [String], ranks: Int = 1
  ) throws -> ProgramResult {
    let file = "\(directory)/small.json"
    try AtomicFile.write(file, text: SweepTests.small)
    return try Lockstep.run(
      ["train", file, "--run-directory", run == "none" ? run : "\(directory)/\(run)"]
        + Self.settings + arguments, ranks: ranks)
  }

  /// It ends where no evaluation was better for three in a row, with the weights of the best one: on any
  /// number of ranks, with and without a directory, and when it was stopped between.
  @Test func theBestWeightsAreTheLast() throws {
    try withDirectory { directory in
      let one = try train(directory, "one", [])
      #expect(
        one.succeeded && one.output.contains("no better loss in 3 evaluations"), "\(one.transcript)"
      )
      let losses = try jsonLines("\(directory)/one/evaluations.jsonl").compactMap {
        $0["loss"]?.doubleValue
      }
      let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
      #expect(losses.count < 30 && best == losses.count - 4, "\(losses)")
      let evaluated = try Lockstep.run(["evaluate", "\(directory)/one", "--json"])
      let value = try JSONValue.parse(evaluated.lines.first { $0.hasPrefix("{") } ?? "")
      #expect(value["loss"]?.doubleValue == losses[best], "\(evaluated.transcript)")
      #expect(try train(directory, "three", [], ranks: 3).fingerprint == one.fingerprint)
      #expect(try train(directory, "none", [], ranks: 2).fingerprint == one.fingerprint)
      // Two evaluations after the best one.
      let steps = 5 * (best + 3)
      let stopped = try train(directory, "parts", ["--set", "steps=\(steps)"], ranks: 2)
      #expect(stopped.succeeded)
      let resumed = try train(directory, "parts", ["--resume"], ranks: 3)
      #expect(resumed.fingerprint == one.fingerprint, "\(resumed.transcript)")
      #expect(try jsonLines("\(directory)/parts/evaluations.jsonl").count == losses.count)
      // A run that has ended stays so.
      let again = try train(directory, "parts", ["--resume"])
      #expect(again.fingerprint == one.fingerprint, "\(again.transcript)")
      let last = try train(
        directory, "last", ["--set", "earlyStopping.restoreBest=false"])
      #expect(last.succeeded && last.fingerprint != one.fingerprint)
    }
  }

  /// When time is up a run is interrupted as by a signal, and goes on with the same bits.
  @Test func timeIsUp() throws {
    try withDirectory { directory in
      let plain = ["--set", "earlyStopping=null", "--set", "optimizer.learningRate=0.05"]
      let whole = try train(directory, "whole", plain)
      let stopped = try train(
        directory, "run", plain + ["--set", "maxSeconds=1e-6"], ranks: 3)
      #expect(stopped.ending == .exited(75), "\(stopped.transcript)")
      let outcome = try JSONValue.parse(
        FileInput.contents(of: "\(directory)/run/outcome.json", limit: 1 << 20))
      #expect(outcome["outcome"] == "interrupted" && outcome["step"] == 1)
      let resumed = try train(
        directory, "run", plain + ["--resume"], ranks: 2)
      #expect(resumed.fingerprint == whole.fingerprint && whole.fingerprint != nil)
    }
  }
}
