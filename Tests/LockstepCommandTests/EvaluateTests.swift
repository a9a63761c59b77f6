import LockstepFiles
import LockstepTesting
import Testing

/// What a run leaves can be evaluated and inspected, and says the same.
@Suite struct EvaluateTests {
  @Test func aRunsWeightsAreEvaluatedOnAnyNumberOfRanks() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let trained = try Lockstep.run(
        [
          "train", Lockstep.example("digits-mlp"), "--set", "epochs=1", "--run-directory", run,
        ], ranks: 2)
      let fingerprint = try #require(trained.fingerprint, "\(trained.transcript)")
      let logged = try #require(try jsonLines("\(run)/evaluations.jsonl").last)
      for ranks in [1, 3] {
        let result = try Lockstep.run(["evaluate", run, "--json"], ranks: ranks)
        let line = try #require(result.lines.first { $0.hasPrefix("{") }, "\(result.transcript)")
        let report = try JSONValue.parse(line)
        #expect(report["loss"] == logged["loss"])
        #expect(report["accuracy"] == logged["accuracy"])
        #expect(report["examples"] == 1000)
      }
      let shown = try Lockstep.run(["evaluate", run])
      #expect(shown.output.hasSuffix(" %, of 1000 examples\n"), "\(shown.transcript)")
      let inspected = try Lockstep.run(["inspect", run, "--fingerprint"])
      #expect(inspected.output == fingerprint + "\n")
      // One of the ranks speaks.
      for options in [["--fingerprint"], ["--json"], []] {
        let several = try Lockstep.run(["inspect", run] + options, ranks: 2)
        let alone = try Lockstep.run(["inspect", run] + options)
        #expect(several.succeeded, "\(several.transcript)")
        #expect(several.lines.filter { !$0.isEmpty } == alone.lines.filter { !$0.isEmpty })
      }
      let all = try Lockstep.run(["inspect", run])
      #expect(all.output.contains("1.weight"))
      // What is long is summed up.
      let data = all.lines.first { $0.hasPrefix("lockstep.data: ") } ?? ""
      #expect(data.hasSuffix(", 10 classes (--json shows all)"), "\(all.transcript)")
      #expect(all.output.hasSuffix("fingerprint \(fingerprint)\n"))
      let checkpoint = try #require(
        try SystemFileSystem().list("\(run)/checkpoints").sorted().last)
      let sound = try Lockstep.run(["inspect", "\(run)/checkpoints/\(checkpoint)"])
      #expect(sound.output.contains("checkpoint: sound"))
      // One flipped bit in the middle of it is found.
      var bytes = try FileInput.contents(of: "\(run)/checkpoints/\(checkpoint)")
      bytes[bytes.count / 2] ^= 4
      try AtomicFile.write("\(run)/checkpoints/\(checkpoint)", bytes: bytes)
      let damaged = try Lockstep.run(["inspect", "\(run)/checkpoints/\(checkpoint)"])
      #expect(damaged.ending == .exited(2))
      #expect(damaged.complaints.first?.contains("corrupt") == true)
    }
  }

  @Test func doctorKnowsTheJob() throws {
    let result = try Lockstep.run(["doctor", "--json"], ranks: 3)
    let line = try #require(result.lines.first { $0.hasPrefix("{") }, "\(result.transcript)")
    let report = try JSONValue.parse(line)
    #expect(report["ranks"] == "3")
    #expect(report["hosts"] == "1")
    #expect(report["rank 2"] != nil)
    #expect((report["allreduce4MiBSeconds"]?.doubleValue ?? 0) > 0)
    #expect(report["warnings"]?.arrayValue != nil)
  }

  @Test func aDryRunShowsHowRanksShare() throws {
    let result = try Lockstep.run(
      ["train", Lockstep.example("digits-cnn"), "--dry-run", "--set", "shards=8"], ranks: 3)
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.output.contains("shards 0..<3"))
    #expect(result.output.contains("shards 6..<8"))
    #expect(result.output.contains("1.12 times the mean"))
    let even = try Lockstep.run(
      ["train", Lockstep.example("digits-cnn"), "--dry-run", "--set", "shards=8"], ranks: 2)
    #expect(even.output.contains("every rank has the same"), "\(even.transcript)")
  }
}
