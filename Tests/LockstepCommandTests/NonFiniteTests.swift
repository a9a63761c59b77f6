import LockstepFiles
import LockstepTesting
import Testing

/// A NaN or an infinity in one shard on one rank, under every policy, under mpirun.
@Suite struct NonFiniteTests {
  /// Eight steps of the network with convolutions (packed gradients) and batch normalisation.
  static func train(
    _ options: [String], ranks: Int, fault: String?, directory: String = "none", steps: Int = 8
  ) throws -> ProgramResult {
    try Lockstep.run(
      ["train", Lockstep.example("digits-cnn"), "--set", "shards=4", "--set", "steps=\(steps)"]
        + ["--set", "optimizer.schedule.type=constant", "--run-directory", directory]
        + options, ranks: ranks, environment: ["LOCKSTEP_FAULT": fault])
  }

  /// Ways to compute the same: ranks, and options that change no bit.
  static let ways: [(ranks: Int, options: [String])] = [
    (1, ["--set", "threads=2"]), (2, []), (3, ["--set", "update=sharded", "--set", "threads=2"]),
  ]

  /// The undisturbed run, and the one of two steps.
  static let healthy = Result { try train([], ranks: 1, fault: nil).fingerprint }
  static let twoSteps = Result { try train([], ranks: 1, fault: nil, steps: 2).fingerprint }

  @Test(arguments: [("gradient:1:3:nan", "0.weight[0] = nan"), ("loss:3:3:inf", "the loss = inf")])
  func stopNamesTheOrigin(fault: String, value: String) throws {
    try withDirectory { directory in
      let result = try Self.train([], ranks: 2, fault: fault, directory: "\(directory)/run")
      #expect(!result.succeeded)
      let shard = fault.split(separator: ":")[1]
      let rank = shard == "1" ? 0 : 1
      let outcome = try JSONValue.read("\(directory)/run/outcome.json")
      #expect(outcome["outcome"] == "failed" && outcome["step"] == 2)
      guard case .string(let message)? = outcome["message"] else {
        Issue.record("no message")
        return
      }
      #expect(result.complaints.first?.contains(message) == true, "\(result.transcript)")
      #expect(
        message.hasPrefix("step 3: not finite: \(value) in shard \(shard) on rank \(rank)"),
        "\(message)")
      #expect(message.hasSuffix("; nothing was updated"))
      // The loss of a shard with a sick gradient is a loss.
      let loss = message.firstMatch(of: #/\(the shard's loss is ([0-9.]+)\)/#).flatMap {
        Double($0.1)
      }
      #expect((loss != nil) == (shard == "1"), "\(message)")
      #expect(loss.map { (0.1..<10).contains($0) } ?? true)
    }
  }

  @Test func skippedStepsAreSkippedOnEveryRank() throws {
    let skip = ["--set", "nonFinite=skip"]
    let (healthy, two) = (try Self.healthy.get(), try Self.twoSteps.get())
    let fault = "gradient:2:3:nan"
    let whole = try Self.train(skip, ranks: 1, fault: fault)
    let expected = try #require(whole.fingerprint, "\(whole.transcript)")
    #expect(expected != healthy)
    for (ranks, options) in Self.ways {
      try withDirectory { directory in
        let result = try Self.train(
          skip + options, ranks: ranks, fault: fault, directory: "\(directory)/run")
        #expect(result.fingerprint == expected, "\(ranks) ranks: \(result.transcript)")
        let rank = ranks == 1 ? 0 : 1
        let finding = "step 3: not finite: 0.weight[0] = nan in shard 2 on rank \(rank)"
        #expect(result.lines.contains("skipped: \(finding)"), "\(result.transcript)")
        let steps = try jsonLines("\(directory)/run/metrics.jsonl")
        #expect(
          steps.map { $0["skipped"] == true }.enumerated().filter(\.element).map(\.offset) == [2])
        let found = try #require(steps[2]["notFinite"])
        #expect(found["finding"] == .string(finding))
        #expect(found["shard"] == 2 && found["rank"] == .integer(rank))
        #expect(found["tensor"] == "0.weight" && found["index"] == 0 && found["value"] == "NaN")
        #expect(steps[2]["gradientNorm"] == "NaN" && steps[2]["clipped"] == false)
        let report = try Lockstep.run(["report", "\(directory)/run"])
        #expect(report.output.contains("skipped, not finite"), "\(report.transcript)")
      }
    }
    // Weights and running statistics behind a skipped step are those before it.
    let third = try Self.train(skip, ranks: 2, fault: fault, steps: 3)
    #expect(two != nil && third.fingerprint == two, "\(third.transcript)")
  }

  @Test func skippedStepsSurviveResumptions() throws {
    let options = ["--set", "nonFinite=skip", "--set", "checkpoint.everySteps=1"]
    let fault = "gradient:0:3-5:inf"
    let expected = try Self.train(options, ranks: 2, fault: fault).fingerprint
    #expect(expected != nil)
    try withDirectory { directory in
      let run = "\(directory)/run"
      for (ranks, steps) in [(1, 4), (3, 5), (2, 8)] {
        let result = try Self.train(
          options + ["--resume", "--set", "update=sharded"], ranks: ranks, fault: fault,
          directory: run, steps: steps)
        #expect(result.succeeded, "\(result.transcript)")
        if steps == 8 { #expect(result.fingerprint == expected, "\(result.transcript)") }
      }
      let steps = try jsonLines("\(run)/metrics.jsonl")
      #expect(steps.map { $0["skipped"] == true }.filter { $0 }.count == 3)
    }
  }

  @Test func theLimitEndsTheRun() throws {
    try withDirectory { directory in
      let result = try Self.train(
        ["--set", #"nonFinite={"policy": "skip", "limit": 3}"#, "--set", "checkpoint.everySteps=1"]
          + ["--set", "checkpoint.keep=1"], ranks: 3, fault: "gradient:1:3-9:nan",
        directory: "\(directory)/run")
      #expect(!result.succeeded)
      #expect(
        result.complaints.first?.contains("it is number 3 of the bad steps in a row") == true,
        "\(result.transcript)")
      let outcome = try JSONValue.read("\(directory)/run/outcome.json")
      #expect(outcome["outcome"] == "failed" && outcome["step"] == 4)
      // The newest, and the one that step 2 has proven.
      let kept = try SystemFileSystem().list("\(directory)/run/checkpoints").sorted()
      #expect(kept == ["step-000000001.safetensors", "step-000000004.safetensors"])
    }
  }

  @Test(arguments: ["shards", "values"])
  func sanitizedStepsHaveTheSameBits(replace: String) throws {
    let options = ["--set", #"nonFinite={"policy": "sanitize", "replace": "\#(replace)"}"#]
    let healthy = try Self.healthy.get()
    let fault = "gradient:2:3-4:inf"
    var fingerprints: Set<String?> = []
    for (ranks, more) in Self.ways {
      try withDirectory { directory in
        let result = try Self.train(
          options + more, ranks: ranks, fault: fault, directory: "\(directory)/run")
        #expect(result.succeeded, "\(result.transcript)")
        fingerprints.insert(result.fingerprint)
        let steps = try jsonLines("\(directory)/run/metrics.jsonl")
        for (index, step) in steps.enumerated() {
          #expect((step["sanitized"] != nil) == [2, 3].contains(index))
        }
        let dropped = replace == "shards" ? 1 : 0
        #expect(
          steps[2]["sanitized"]
            == ["shards": [2], "dropped": .integer(dropped), "values": .integer(1 - dropped)])
        #expect(steps[2]["examples"] == .integer(64 - 16 * dropped))
      }
    }
    #expect(fingerprints.count == 1 && !fingerprints.contains(nil))
    #expect(!fingerprints.contains(healthy))
    // Looking changes nothing.
    #expect(try Self.train(options, ranks: 2, fault: nil).fingerprint == healthy)
  }

  /// A loss that is not a number leaves nothing of a shard.
  @Test func aShardWithoutALossIsDropped() throws {
    let options = ["--set", #"nonFinite={"policy": "sanitize", "replace": "values"}"#]
    let one = try Self.train(options, ranks: 1, fault: "loss:1:2:nan")
    let three = try Self.train(options, ranks: 3, fault: "loss:1:2:nan")
    let dropped = try Self.train(
      ["--set", "nonFinite=sanitize"], ranks: 2, fault: "gradient:1:2:nan")
    #expect(one.fingerprint != nil && one.fingerprint == three.fingerprint)
    #expect(one.fingerprint == dropped.fingerprint, "\(dropped.transcript)")
  }

  @Test func hessianFreeStepsAreSkippedToo() throws {
    try withDirectory { directory in
      let file = "\(directory)/hessian-free.json"
      try AtomicFile.write(
        file,
        text: """
          {"data": {"type": "breast-cancer", "testFraction": 0.2}, "nonFinite": "skip",
           "model": {"type": "mlp", "sizes": [8, 1], "activation": "tanh"},
           "loss": {"type": "binaryCrossEntropy"}, "batchSize": 455, "shards": 4, "epochs": 4,
           "hessianFree": {"iterations": 10}}
          """)
      func run(_ ranks: Int, epochs: Int, fault: String?) throws -> String? {
        try Lockstep.run(
          ["train", file, "--set", "epochs=\(epochs)", "--run-directory", "none"], ranks: ranks,
          environment: ["LOCKSTEP_FAULT": fault]
        ).fingerprint
      }
      // The batch is all examples in another order, which the skipped step uses up.
      let two = try run(1, epochs: 2, fault: nil)
      #expect(two != nil)
      #expect(try run(2, epochs: 3, fault: "gradient:3:3:nan") == two)
      let skipped = try run(1, epochs: 4, fault: "gradient:3:3:nan")
      #expect(try run(3, epochs: 4, fault: "gradient:3:3:nan") == skipped)
      #expect(skipped != two)
    }
  }
}
