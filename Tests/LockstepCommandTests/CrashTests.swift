import LockstepFiles
import LockstepTesting
import Testing

/// Runs that are killed at random moments, by the scripts that users have.
@Suite struct CrashTests {
  static let root = String(Lockstep.example("x").dropLast("/Examples/x.json".count))

  /// The short form of the soak: some kills, every final fingerprint the undisturbed one.
  @Test func killedRunsEndWithTheUndisturbedFingerprint() throws {
    let program = try MPIRunner.builtExecutable("lockstep")
    let result = try MPIRunner.runAlone(
      "\(Self.root)/scripts/soak.sh", ["6", "60"],
      environment: ["LOCKSTEP": program, "SOAK_SEED": "11"], deadline: .seconds(240),
      processors: 8)
    #expect(result.succeeded, "\(result.transcript)")
    let summary = try #require(result.lines.last { $0.hasPrefix("soak: ") && $0.contains("kills") })
    #expect(summary.contains(" 0 of them wrong"))
    #expect(!summary.hasPrefix("soak: 0 kills"))
  }

  /// Rank 1 is killed in the 20th step of every attempt; on one rank less each time the run is done in
  /// the end.
  @Test func theSupervisorBringsARunToItsEnd() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let training = [
        Lockstep.example("digits-mlp"), "--set", "shards=4", "--set", "steps=60", "--set",
        "checkpoint.everySteps=5",
      ]
      let whole = try Lockstep.run(["train"] + training + ["--run-directory", "none"])
      let expected = try #require(whole.fingerprint, "\(whole.transcript)")
      let result = try MPIRunner.runAlone(
        "\(Self.root)/scripts/supervise.sh",
        ["--retries", "2", "--fewer", "--program", program, "3", "\(directory)/run"] + training,
        environment: [
          "OMPI_MCA_rmaps_base_oversubscribe": "1", "LOCKSTEP_FAULT": "step:1:20:kill",
        ], deadline: .seconds(180), processors: 3)
      #expect(result.succeeded, "\(result.transcript)")
      #expect(result.errorOutput.contains("attempt 1 of 3"))
      #expect(result.errorOutput.contains("attempt 2 of 3"))
      #expect(result.fingerprint == expected, "\(result.transcript)")
    }
  }

  /// What is wrong is not tried again.
  @Test func theSupervisorGivesUpOnWrongInput() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let result = try MPIRunner.runAlone(
        "\(Self.root)/scripts/supervise.sh",
        ["--program", program, "1", "\(directory)/run", Lockstep.example("digits-mlp")]
          + ["--set", "epochs=0"], deadline: .seconds(60))
      #expect(result.ending == .exited(2), "\(result.transcript)")
      #expect(result.complaints.count == 1)
    }
  }
}
