import LockstepFiles
import LockstepTesting
import Testing

/// What signals do to a run, sent by a shell as people and batch systems send them.
@Suite struct SignalTests {
  /// Starts a training of many steps on one rank, and sends it signals once it has taken some.
  ///
  /// - Parameter signals: shell commands, with the process in `$p`.
  static func interrupted(
    _ signals: String, _ options: [String] = [], in directory: String, after condition: String
  ) throws -> ProgramResult {
    let program = try MPIRunner.builtExecutable("lockstep")
    let script = """
      "$0" train "$@" >/dev/null & p=$!
      for i in $(seq 600); do if \(condition); then break; fi; sleep 0.05; done
      \(signals)
      wait $p
      """
    return try MPIRunner.runAlone(
      "bash",
      ["-c", script, program, Lockstep.example("digits-mlp"), "--set", "epochs=100000"]
        + ["--run-directory", "\(directory)/run"] + options,
      environment: ["D": directory], deadline: .seconds(60))
  }

  static let someSteps = "[[ $(wc -l <$D/run/metrics.jsonl 2>/dev/null) -gt 3 ]]"

  @Test(arguments: ["INT", "HUP", "TERM", "USR1"])
  func theFirstSignalSavesAndEnds(signal: String) throws {
    try withDirectory { directory in
      let result = try Self.interrupted("kill -\(signal) $p", in: directory, after: Self.someSteps)
      #expect(result.ending == .exited(75), "\(result.transcript)")
      let outcome = try JSONValue.read("\(directory)/run/outcome.json")
      #expect(outcome["outcome"] == "interrupted")
      guard case .integer(let step)? = outcome["step"] else {
        Issue.record("no step")
        return
      }
      let digits = String(step)
      let name = "step-\(String(repeating: "0", count: 9 - digits.count))\(digits).safetensors"
      #expect(try SystemFileSystem().list("\(directory)/run/checkpoints").contains(name))
    }
  }

  /// A run that does not come to the end of its step is ended at once by the second Ctrl-C.
  @Test func theSecondCtrlCEndsAtOnce() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let script = """
        LOCKSTEP_FAULT=step:0:3:hang "$0" train "$@" >/dev/null 2>$D/log & p=$!
        for i in $(seq 600); do if grep -q 'fault at step' $D/log; then break; fi; sleep 0.05; done
        kill -INT $p; sleep 0.5; kill -0 $p || echo gone early
        kill -INT $p; wait $p; echo $?
        """
      let result = try MPIRunner.runAlone(
        "bash",
        [
          "-c", script, program, Lockstep.example("digits-mlp"), "--run-directory",
          "\(directory)/r",
        ],
        environment: ["D": directory], deadline: .seconds(60))
      #expect(result.output == "130\n", "\(result.transcript)")
    }
  }

  /// As under nohup.
  @Test func aSignalThatIsIgnoredStaysIgnored() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let script = """
        trap '' HUP
        "$0" train "$@" & p=$!
        for i in $(seq 600); do if \(Self.someSteps); then break; fi; sleep 0.05; done
        kill -HUP $p; wait $p
        """
      let result = try MPIRunner.runAlone(
        "bash",
        ["-c", script, program, Lockstep.example("digits-mlp"), "--quiet", "--set", "steps=400"]
          + ["--run-directory", "\(directory)/run"], environment: ["D": directory],
        deadline: .seconds(60))
      #expect(result.succeeded && result.fingerprint != nil, "\(result.transcript)")
    }
  }

  /// Before the first step there is nothing to save, and the run says so and ends.
  @Test(arguments: [1, 2])
  func aSignalWhileDataLoadEndsBeforeTheFirstStep(ranks: Int) throws {
    try withDirectory { directory in
      // A pipe for the data: the run loads until it is closed.
      let program = try MPIRunner.builtExecutable("lockstep")
      let configuration = """
        {"data": {"type": "csv", "file": "\(directory)/data.csv", "target": "y", "testFraction": 0.25},
         "model": {"type": "mlp", "sizes": [1, 1]}, "loss": {"type": "meanSquaredError"},
         "batchSize": 8, "steps": 5, "shards": 2}
        """
      try AtomicFile.write("\(directory)/c.json", text: configuration)
      let rows = (0..<200_000).map { "\($0),\(2 * $0)" }.joined(separator: "\n")
      try AtomicFile.write("\(directory)/data.csv", text: "x,y\n" + rows + "\n")
      let launch = ranks == 1 ? "" : "mpirun -n \(ranks) "
      let script = """
        \(launch)"$0" train $D/c.json --run-directory $D/run & p=$!
        \(ranks == 1 ? "q=$p" : "sleep 0.3; q=$(pgrep -P $p | tail -1)")
        for i in $(seq 400); do if grep -qs 'SigCgt:.*[2367abef]..$' /proc/$q/status; then break; fi; done
        kill -USR1 $p; wait $p; echo code $?
        """
      let result = try MPIRunner.runAlone(
        "bash", ["-c", script, program], environment: ["D": directory], deadline: .seconds(60),
        processors: ranks)
      #expect(result.output.contains("code 75") || ranks > 1, "\(result.transcript)")
      #expect(!result.output.contains("fingerprint"))
      let outcome = try JSONValue.read("\(directory)/run/outcome.json")
      #expect(outcome["outcome"] == "interrupted" && outcome["step"] == 0, "\(result.transcript)")
      #expect(outcome["exitCode"] == 75)
    }
  }
}
