import LockstepFiles
import LockstepTesting
import Testing

/// Runs for which the machine is too small.
@Suite struct ResourceTests {
  static let mlp = Lockstep.example("digits-mlp")

  /// A file that may not grow is a failure of the system, not the user's input, and the outcome says so.
  @Test func whatCannotBeWrittenEndsWithOneAndAnOutcome() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let result = try MPIRunner.runAlone(
        "bash",
        ["-c", "ulimit -f 8; exec \"$0\" train \"$@\"", program, Self.mlp]
          + ["--set", "epochs=1000", "--set", "checkpoint.everySteps=1000000"]
          + ["--run-directory", "\(directory)/run"])
      #expect(result.ending == .exited(1), "\(result.transcript)")
      #expect(result.errorOutput.contains("metrics.jsonl: write: "))
      let outcome = try JSONValue.read("\(directory)/run/outcome.json")
      #expect(outcome["outcome"] == "failed" && outcome["exitCode"] == 1)
      guard case .string(let message)? = outcome["message"] else {
        Issue.record("no message")
        return
      }
      #expect(message.contains("metrics.jsonl: write: "))
    }
  }

  @Test(arguments: [1, 2])
  func aModelThatDoesNotFitIsRefusedWithBothNumbers(ranks: Int) throws {
    for sizes in ["[784,1000000000,10]", "[784,30000000,30000000,10]"] {
      let result = try Lockstep.run(
        [
          "train", Self.mlp, "--run-directory", "none", "--set",
          "model={\"type\":\"mlp\",\"sizes\":\(sizes)}",
        ], ranks: ranks)
      #expect(ranks > 1 ? !result.succeeded : result.ending == .exited(2), "\(result.transcript)")
      #expect(
        result.errorOutput.contains(
          #/not enough memory: .* needs? (together )?at least [\d.]+ [TPE]iB, and [\d.]+ GiB are available/#
        ), "\(result.transcript)")
      #expect(result.complaints.count == 1, "\(result.transcript)")
    }
  }

  @Test func aBatchThatDoesNotFitIsRefused() throws {
    let result = try Lockstep.run([
      "train", Self.mlp, "--run-directory", "none", "--set",
      "model={\"type\":\"mlp\",\"sizes\":[784,10000000,10]}", "--set", "batchSize=4000", "--set",
      "shards=1",
    ])
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.errorOutput.contains("not enough memory"))
  }

  @Test func theLimitOfAProcessCounts() throws {
    let program = try MPIRunner.builtExecutable("lockstep")
    let result = try MPIRunner.runAlone(
      "bash",
      [
        "-c", "ulimit -v 3000000; exec \"$0\" train \"$@\"", program, Self.mlp, "--run-directory",
        "none", "--set", "model={\"type\":\"mlp\",\"sizes\":[784,500000,10]}",
      ])
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.errorOutput.contains("(the limit of a process's address space (ulimit -v))"))
  }

  @Test func aDryRunShowsTheSum() throws {
    let result = try Lockstep.run(["train", Self.mlp, "--dry-run"], ranks: 2)
    #expect(result.succeeded, "\(result.transcript)")
    for name in ["memory", "parameters", "sums of gradients", "activations", "available"] {
      #expect(result.output.contains(name), "\(result.transcript)")
    }
  }

  /// A program that nobody launched starts no helper process.
  @Test func aProcessAloneStaysAlone() throws {
    let program = try MPIRunner.builtExecutable("lockstep")
    let script = """
      "$0" train "$@" >/dev/null & p=$!
      for i in $(seq 200); do
        if grep -qs 'SigCgt' /proc/$p/status && [[ -n $(pgrep -P $p) ]]; then echo helper; fi
        kill -0 $p 2>/dev/null || break
        sleep 0.02
      done
      wait $p; echo $?
      """
    let result = try MPIRunner.runAlone(
      "bash",
      ["-c", script, program, Self.mlp, "--set", "steps=20", "--run-directory", "none"])
    #expect(result.output == "0\n", "\(result.transcript)")
  }
}
