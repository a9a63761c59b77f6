import LockstepFiles
import LockstepTesting
import Testing

/// Texts of a table, from the command line.
@Suite struct TextRowTests {
  private func predictions(_ arguments: [String], ranks: Int = 1) throws -> [JSONValue] {
    let result = try Lockstep.run(["predict"] + arguments, ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    return try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
  }

  @Test("verses are told apart, the same on any number of ranks, and new ones read as training's")
  func verses() throws {
    try withDirectory { directory in
      func train(_ run: String, _ more: [String] = [], ranks: Int) throws -> ProgramResult {
        try Lockstep.run(
          [
            "train", Lockstep.example("verses"), "--set", "checkpoint.everySteps=40",
            "--run-directory", "\(directory)/\(run)",
          ] + more, ranks: ranks)
      }
      let trained = try train("run", ranks: 2)
      let expected = try #require(trained.fingerprint, "\(trained.transcript)")
      for ranks in [1, 3] {
        let again = try train("run\(ranks)", ranks: ranks)
        #expect(again.fingerprint == expected, "\(ranks) ranks: \(again.transcript)")
      }
      let run = "\(directory)/run"
      let all = try predictions([run])
      #expect(all.count == 240 && all.allSatisfy { $0["id"] != nil })
      // By chance a quarter would be right.
      let right = all.count { $0["class"] == $0["label"] }
      #expect(right > 150)

      let new = "\(directory)/new.csv"
      try AtomicFile.write(
        new, text: "other,text\nx,\"And the LORD spake unto Moses, saying, zyzzyva\"\ny,!!\n")
      let found = try predictions([run, "--input", new], ranks: 2)
      #expect(found.count == 2 && found[0]["label"] == nil)
      try AtomicFile.write(new, text: "other,words\nx,And\n")
      let refused = try Lockstep.run(["predict", run, "--input", new])
      #expect(refused.ending == .exited(2) && refused.transcript.contains("'text'"))
    }
  }

  @Test("a killed run goes on to the same weights")
  func resume() throws {
    try withDirectory { directory in
      func train(
        _ run: String, _ more: [String] = [], ranks: Int, environment: [String: String?] = [:]
      ) throws -> ProgramResult {
        try Lockstep.run(
          [
            "train", Lockstep.example("verses"), "--set", "steps=30", "--set",
            "checkpoint.everySteps=7", "--run-directory", "\(directory)/\(run)",
          ] + more, ranks: ranks, environment: environment)
      }
      let expected = try #require(try train("whole", ranks: 1).fingerprint)
      let killed = try train("killed", ranks: 2, environment: ["LOCKSTEP_FAULT": "step:1:18:kill"])
      #expect(!killed.succeeded)
      let resumed = try train("killed", ["--resume"], ranks: 3)
      #expect(resumed.fingerprint == expected, "\(resumed.transcript)")
    }
  }
}
