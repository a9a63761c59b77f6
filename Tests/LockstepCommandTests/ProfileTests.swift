import LockstepFiles
import LockstepTesting
import Testing

/// `train --profile` as users run it.
@Suite struct ProfileCommandTests {
  private let arguments =
    ["train", Lockstep.example("digits-mlp")] + TrainTests.options("adam") + [
      "--run-directory", "none",
    ]

  @Test func aProfileShowsAllRanksAndChangesNoBit() throws {
    try withDirectory { directory in
      let plain = try Lockstep.run(arguments, ranks: 2)
      let expected = try #require(plain.fingerprint, "\(plain.transcript)")
      let result = try Lockstep.run(
        arguments + ["--profile", directory, "--profile-steps", "5", "--set", "threads=2"],
        ranks: 2)
      #expect(result.fingerprint == expected, "\(result.transcript)")
      #expect(result.output.contains("profile of steps 16...20"))
      for word in ["forward", "backward", "fold", "update", "wait for ranks", "hidden by overlap"] {
        #expect(result.output.contains(word), "\(word): \(result.output)")
      }
      let path = "\(directory)/trace.json"
      let trace = try JSONValue.parse(try FileInput.contents(of: path), source: path)
      let events = try #require(trace["traceEvents"]?.arrayValue)
      let rows = Set(events.compactMap { $0["pid"]?.integerValue })
      #expect(rows == [0, 1])
      let names = Set(events.compactMap { $0["name"]?.stringValue })
      #expect(names.isSuperset(of: ["step", "shard", "gather", "measure", "update", "evaluate"]))
    }
  }

  @Test func whereNoFileCanBeNothingIsTrained() throws {
    for (options, text) in [
      (["--profile", "/nowhere/trace.json"], "'/nowhere/' is not a directory"),
      (["--profile-steps", "5"], "'--profile-steps' needs '--profile FILE'"),
      (["--profile", "a.json", "--profile-steps", "0"], "'--profile-steps' must be"),
    ] {
      let result = try Lockstep.run(arguments + options)
      #expect(result.ending == .exited(2))
      #expect(result.complaints.contains { $0.contains(text) }, "\(result.transcript)")
      #expect(result.fingerprint == nil)
    }
  }

  @Test func whatIsReadIsNotReplaced() throws {
    try withDirectory { directory in
      let file = "\(directory)/small.json"
      try AtomicFile.write(file, text: SweepTests.small)
      let result = try Lockstep.run(
        ["train", file, "--run-directory", "none", "--profile", file], ranks: 2)
      #expect(result.ending == .exited(2), "\(result.transcript)")
      #expect(
        result.complaints.count == 1
          && result.complaints[0].contains("is a file that is read"), "\(result.transcript)")
      #expect(try FileInput.contents(of: file) == Array(SweepTests.small.utf8))
    }
  }
}
