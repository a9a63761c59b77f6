import LockstepFiles
import LockstepTesting
import Testing

/// MuonClip and QK-clip as users start them, on ranks of their own processes.
@Suite struct QueryKeyClipTests {
  private static let clip =
    #"constraints=[{"pattern": "*.c_attn.*", "type": "qkClip", "threshold": 0.05}]"#
  /// A small GPT, clipped in every step.
  private static let options = [
    "--set",
    #"model={"type": "gpt", "vocabulary": 72, "context": 64, "width": 48, "layers": 2, "heads": 2}"#,
    "--set", "steps=6", "--set", "batchSize=16", "--set", "shards=8", "--set", "clip=null",
    "--set", "evaluate.batchSize=64", "--set", #"optimizer={"type": "muon", "learningRate": 0.02}"#,
  ]

  private static func train(
    _ arguments: [String], ranks: Int = 1, in run: String = "none"
  ) throws -> ProgramResult {
    try Lockstep.run(
      ["train", Lockstep.example("gpt"), "--run-directory", run] + options + arguments,
      ranks: ranks)
  }

  @Test func anyNumberOfRanksGivesTheSameBitsAndTheLogSaysWhatWasDone() throws {
    try withDirectory { directory in
      let alone = try Self.train(["--set", Self.clip], in: "\(directory)/alone")
      let expected = try #require(alone.fingerprint, "\(alone.transcript)")
      let lines = try jsonLines("\(directory)/alone/metrics.jsonl")
      #expect(lines.count == 6)
      for line in lines {
        #expect(line["largestLogit"]?.doubleValue ?? 0 > 0, "\(line)")
        #expect((0...1).contains(line["clippedHeads"]?.doubleValue ?? -1), "\(line)")
      }
      #expect(lines.contains { $0["clippedHeads"]?.doubleValue ?? 0 > 0 })
      for (ranks, update) in [(2, "sharded"), (3, "replicated"), (5, "sharded"), (3, "sharded")] {
        let run = "\(directory)/\(ranks)-\(update)"
        let result = try Self.train(
          ["--set", Self.clip, "--set", "update=\(update)"], ranks: ranks, in: run)
        #expect(result.fingerprint == expected, "\(ranks) \(update): \(result.transcript)")
        let found = try jsonLines("\(run)/metrics.jsonl")
        #expect(found.map { $0["largestLogit"] } == lines.map { $0["largestLogit"] })
        #expect(found.map { $0["clippedHeads"] } == lines.map { $0["clippedHeads"] })
      }
      // Without it the weights are others, and nothing is logged of logits.
      let free = try Self.train([], in: "\(directory)/free")
      #expect(free.fingerprint != nil && free.fingerprint != expected)
      #expect(
        try jsonLines("\(directory)/free/metrics.jsonl").allSatisfy { $0["largestLogit"] == nil })
    }
  }

  @Test func aRunGoesOnWithTheSameBits() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let whole = try Self.train(["--set", Self.clip])
      let half = try Self.train(["--set", Self.clip, "--set", "steps=3"], ranks: 2, in: run)
      #expect(half.succeeded, "\(half.transcript)")
      let resumed = try Self.train(["--set", Self.clip, "--resume"], ranks: 3, in: run)
      #expect(resumed.fingerprint != nil && resumed.fingerprint == whole.fingerprint)
    }
  }

  @Test func whatItIsNotForIsRefused() throws {
    let wrong = try Self.train(
      ["--set", #"constraints=[{"pattern": "*.c_fc.weight", "type": "qkClip"}]"#], ranks: 2)
    #expect(wrong.ending == .exited(2), "\(wrong.transcript)")
    #expect(wrong.errorOutput.contains("these do: "), "\(wrong.transcript)")
    let half = try Self.train(
      ["--set", #"constraints=[{"pattern": "*.c_attn.weight", "type": "qkClip"}]"#])
    #expect(half.ending == .exited(2), "\(half.transcript)")
    #expect(half.errorOutput.contains("c_attn.bias"), "\(half.transcript)")
    let none = try Lockstep.run([
      "train", Lockstep.example("digits-mlp"), "--set", "steps=2", "--set",
      #"constraints=[{"pattern": "*.weight", "type": "qkClip"}]"#,
    ])
    #expect(none.ending == .exited(2), "\(none.transcript)")
    #expect(
      none.errorOutput.contains("the model has none (attentions of ONNX files are not recognised)"),
      "\(none.transcript)")
    let frozen = try Self.train([
      "--set", Self.clip, "--set", #"freeze=["*.h.0.attn.c_attn.weight"]"#,
    ])
    #expect(frozen.ending == .exited(2), "\(frozen.transcript)")
    #expect(frozen.errorOutput.contains("c_attn.weight is frozen"), "\(frozen.transcript)")
  }

  /// A step is measured without largest logits, as it is where no head is clipped.
  @Test func plansTellTheCost() throws {
    let result = try Lockstep.run(
      ["plan", Lockstep.example("gpt"), "--set", Self.clip, "--up-to", "4"] + Self.options)
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.output.contains("measured on this machine"))
  }
}
