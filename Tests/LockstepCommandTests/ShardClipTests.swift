import LockstepFiles
import LockstepTesting
import Testing

/// A limit of each shard's gradient, as users start it, under mpirun.
@Suite struct ShardClipTests {
  private static func train(
    _ arguments: [String], of example: String = "digits-cnn", ranks: Int = 1,
    in run: String = "none", environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    try Lockstep.run(
      [
        "train", Lockstep.example(example), "--run-directory", run, "--set", "shards=8", "--set",
        "steps=10", "--set", "batchSize=100", "--set",
        #"clip=[{"type": "perShard", "norm": 1.5}, {"type": "globalNorm", "limit": 1}]"#,
        "--set", "optimizer.schedule.type=constant",
      ] + arguments, ranks: ranks, environment: environment)
  }

  @Test(arguments: ["digits-cnn", "digits-mlp", "synchronized"])
  func anyNumberOfRanksGivesTheSameBits(model: String) throws {
    let (example, more) =
      model == "synchronized"
      ? ("digits-cnn", ["--set", "model.statistics=synchronized"]) : (model, [])
    func fingerprint(_ arguments: [String] = [], ranks: Int = 1) throws -> String {
      let result = try Self.train(more + arguments, of: example, ranks: ranks)
      return try #require(result.fingerprint, "\(ranks) ranks: \(result.transcript)")
    }
    let alone = try fingerprint()
    #expect(try fingerprint(ranks: 2) == alone)
    #expect(try fingerprint(["--set", "update=replicated"], ranks: 3) == alone)
    #expect(try fingerprint(["--set", "threads=2"], ranks: 5) == alone)
    #expect(try fingerprint(["--set", "clip.0.norm=1e9"]) != alone)
    let pinned = ["--isa", "baseline"]
    #expect(try fingerprint(pinned, ranks: 3) == fingerprint(pinned))
  }

  @Test func normsAreLoggedAndRunsGoOn() throws {
    try withDirectory { directory in
      let whole = try Self.train([], in: "\(directory)/whole")
      let lines = try jsonLines("\(directory)/whole/metrics.jsonl").filter { $0["loss"] != nil }
      #expect(lines.count == 10, "\(whole.transcript)")
      #expect(lines.allSatisfy { ($0["shardNorm"]?.doubleValue ?? 0) > 0 })
      let shares = lines.compactMap { $0["clippedShards"]?.doubleValue }
      #expect(shares.count == 10 && shares.allSatisfy { (0...1).contains($0) })
      #expect(shares.contains { $0 > 0 })
      let half = try Self.train(["--set", "steps=4"], ranks: 2, in: "\(directory)/run")
      #expect(half.succeeded, "\(half.transcript)")
      let resumed = try Self.train(["--resume"], ranks: 3, in: "\(directory)/run")
      #expect(resumed.fingerprint != nil && resumed.fingerprint == whole.fingerprint)
    }
  }

  /// A shard that is taken out has no norm, and the others keep their limit.
  @Test func shardsThatAreNotFiniteAreTakenOutFirst() throws {
    let arguments = ["--set", "nonFinite=sanitize"]
    let fault = ["LOCKSTEP_FAULT": "gradient:2:3:nan" as String?]
    let alone = try Self.train(arguments, environment: fault)
    #expect(alone.fingerprint != nil, "\(alone.transcript)")
    for ranks in [2, 3] {
      let result = try Self.train(arguments, ranks: ranks, environment: fault)
      #expect(result.fingerprint == alone.fingerprint, "\(ranks): \(result.transcript)")
    }
    #expect(try Self.train(arguments).fingerprint != alone.fingerprint)
    let stopped = try Self.train([], ranks: 2, environment: fault)
    #expect(stopped.complaints.first?.contains("not finite") == true, "\(stopped.transcript)")
  }

  @Test(arguments: [
    (#"clip=[{"type": "globalNorm", "limit": 1}, {"type": "perShard", "norm": 2}]"#, "before"),
    (#"clip=[{"type": "perShard", "norm": 2}, {"type": "perExample", "norm": 2}]"#, "first clip"),
    (#"clip=[{"type": "perShard", "norm": 0}]"#, "norm"),
    (#"clip=[{"type": "perShard"}]"#, "norm"),
    (#"sam={"rho": 0.05}"#, "perShard"),
  ])
  func nonsenseIsRefused(setting: String, words: String) throws {
    let result = try Self.train(["--set", setting], of: "digits-mlp", ranks: 2)
    #expect(!result.succeeded, "\(result.transcript)")
    #expect(result.complaints.contains { $0.contains(words) }, "\(result.transcript)")
  }
}
