import LockstepFiles
import LockstepTesting
import Testing

/// Frozen parameters that begin to move while a run lasts.
@Suite struct UnfreezingTests {
  /// All examples in each batch, in one order: a step follows from the weights alone.
  private static func configuration(_ more: String = "") -> String {
    """
    {"data": {"type": "csv", "file": "t.csv", "target": "c", "shuffle": false},
     "model": {"type": "mlp", "sizes": [8, 6, 3]}, "batchSize": 90, "shards": 8, "epochs": 12,
     "optimizer": {"type": "sgd", "learningRate": 0.1}, "freeze": ["1.*", "3.*"]\(more)}
    """
  }

  private static var table: String {
    "a,b,c\n"
      + (0..<90).map { row in
        "\(Double(row * 37 % 90) / 9),\(Double(row * 11 % 31) / 7),\(["x", "y", "z"][row * 7 % 3])\n"
      }.joined()
  }

  private func with(
    _ configurations: [String: String], _ body: (String) throws -> Void
  ) throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/t.csv", text: Self.table)
      for (name, text) in configurations {
        try AtomicFile.write("\(directory)/\(name).json", text: text)
      }
      try body(directory)
    }
  }

  private func tensors(_ run: String, _ directory: String) throws -> JSONObject {
    let result = try Lockstep.run(["inspect", run, "--json"], directory: directory)
    let tensors = try JSONValue.parse(result.output)["tensors"]?.objectValue
    return try #require(tensors, "\(result.transcript)")
  }

  /// Unfreezing in step k is two runs that initial weights join, for an update without state.
  @Test(arguments: ["\"step\": 6", "\"epoch\": 6"])
  func aStepOfUnfreezingJoinsTwoRuns(_ moment: String) throws {
    let stages = ", \"unfreeze\": [{\(moment), \"parameters\": [\"3.*\"]}]"
    try with(["all": Self.configuration(stages), "first": Self.configuration()]) { directory in
      let all = try Lockstep.run(
        ["train", "all.json", "--run-directory", "all"], ranks: 2, directory: directory)
      let expected = try #require(all.fingerprint, "\(all.transcript)")
      #expect(
        all.output.contains("step 6: 2 parameters no longer frozen (54 values): 3.weight, 3.bias"),
        "\(all.transcript)")
      let first = try Lockstep.run(
        ["train", "first.json", "--run-directory", "first", "--set", "steps=5"],
        directory: directory)
      #expect(first.succeeded, "\(first.transcript)")
      let second = try Lockstep.run(
        [
          "train", "first.json", "--run-directory", "second", "--set", "steps=7", "--set",
          "freeze=[\"1.*\"]", "--initial-weights", "first/weights.safetensors",
        ], directory: directory)
      #expect(second.fingerprint == expected, "\(second.transcript)")
      // Until then it is as frozen as in a run that never unfreezes it.
      let short = try Lockstep.run(
        ["train", "all.json", "--run-directory", "short", "--set", "steps=5"],
        directory: directory)
      #expect(short.fingerprint == first.fingerprint, "\(short.transcript)")
      let (before, after) = (try tensors("short", directory), try tensors("all", directory))
      #expect(before["1.weight"] == after["1.weight"])
      #expect(before["3.weight"] != after["3.weight"])
      let lines = try jsonLines("\(directory)/all/metrics.jsonl")
      #expect(lines.map { $0["unfrozen"] != nil } == (1...12).map { $0 == 6 })
    }
  }

  private static let stages =
    #", "unfreeze": [{"epoch": 3, "parameters": ["3.*"]}, {"step": 9, "parameters": ["*"]}]"#
    + #", "regularizers": [{"pattern": "*.weight", "type": "l2", "l2": 0.01}]"#
    + #", "average": {"decay": 0.9}, "checkpoint": {"everySteps": 1}"#
    + #", "constraints": [{"pattern": "*.weight", "type": "maxNorm", "limit": 0.7}]"#

  /// Every kind of update, on any number of ranks, and resumed before, at and behind the steps of unfreezing.
  @Test(arguments: [
    #"{"type": "sgd", "learningRate": 0.1, "momentum": 0.9, "weightDecay": 0.1}"#,
    #"{"type": "adamW", "learningRate": 0.02}"#, #"{"type": "muon", "learningRate": 0.02}"#,
  ])
  func updatesHaveTheSameBitsOnAnyRanksAndWhenResumed(_ optimizer: String) throws {
    let clip = optimizer.contains("muon") ? "" : #", "clip": {"type": "globalNorm", "limit": 0.3}"#
    try with(["c": Self.configuration(Self.stages + clip)]) { directory in
      let settings = ["--set", "optimizer=\(optimizer)", "--set", "batchSize=40"]
      func train(_ more: [String], ranks: Int = 1) throws -> ProgramResult {
        try Lockstep.run(
          ["train", "c.json", "--quiet"] + settings + more, ranks: ranks, directory: directory)
      }
      let one = try train(["--run-directory", "none"])
      let expected = try #require(one.fingerprint, "\(one.transcript)")
      for (ranks, more) in [
        (2, ["--set", "update=sharded"]),
        (3, ["--set", "update=replicated", "--set", "threads=2"]),
        (5, []),
      ] {
        let found = try train(["--run-directory", "none"] + more, ranks: ranks)
        #expect(found.fingerprint == expected, "\(ranks) ranks: \(found.transcript)")
      }
      // Epoch 3 begins with step 7, and step 9 is inside it.
      for steps in [5, 6, 7, 8, 10] {
        let run = ["--run-directory", "run-\(steps)"]
        #expect(try train(run + ["--set", "steps=\(steps)"], ranks: 2).succeeded)
        let rest = try train(run + ["--resume"], ranks: steps % 3 + 1)
        #expect(rest.fingerprint == expected, "\(steps) steps: \(rest.transcript)")
      }
    }
  }

  @Test func stagesThatMakeNoSenseAreNamed() throws {
    try with(["c": Self.configuration()]) { directory in
      func refusal(_ settings: String...) throws -> String {
        let result = try Lockstep.run(
          ["train", "c.json", "--run-directory", "none"] + settings.flatMap { ["--set", $0] },
          directory: directory)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        return result.complaints.first ?? result.transcript
      }
      let usual = #"unfreeze=[{"epoch": 2, "parameters": ["3.*"]}]"#
      #expect(
        try refusal(#"unfreeze=[{"epoch": 2, "parameters": ["conv*"]}]"#).contains(
          "no parameter fits the pattern 'conv*' of parameters to unfreeze"))
      #expect(
        try refusal(#"unfreeze=[{"epoch": 2, "parameters": ["5.*"]}]"#).contains(
          "'5.*' of parameters to unfreeze fits none that is frozen; frozen are 1.weight"))
      #expect(
        try refusal(#"unfreeze=[{"epoch": 2, "step": 3, "parameters": ["3.*"]}]"#).contains(
          "'unfreeze.0.step'"))
      #expect(try refusal(#"unfreeze=[{"parameters": ["3.*"]}]"#).contains("'epoch' or 'step'"))
      #expect(try refusal(#"unfreeze=[{"epoch": 1, "parameters": ["3.*"]}]"#).contains("epoch"))
      #expect(try refusal(usual, "freeze=[]").contains("nothing to unfreeze"))
      #expect(try refusal(usual, "optimizer=nadam").contains("NAdam's product of momenta"))
      #expect(try refusal(usual, "optimizer=prodigy").contains("Prodigy's estimate"))
      #expect(
        try refusal(usual, #"clip={"type": "perExample", "norm": 1}"#).contains("'perExample'"))
      try AtomicFile.write(
        "\(directory)/second.json",
        text: Self.configuration().replacing(
          #""optimizer": {"type": "sgd", "learningRate": 0.1}"#, with: #""hessianFree": {}"#))
      let second = try Lockstep.run(
        ["train", "second.json", "--run-directory", "none", "--set", usual], directory: directory)
      #expect(
        second.errorOutput.contains("'unfreeze' does not go with 'hessianFree'"),
        "\(second.transcript)")
      let late = try Lockstep.run(
        [
          "train", "c.json", "--run-directory", "none", "--set",
          #"unfreeze=[{"epoch": 40, "parameters": ["3.*"]}]"#,
        ], directory: directory)
      #expect(
        late.transcript.contains(
          "'unfreeze' names epoch 40 and the run has 12 steps: 3.* never moves"),
        "\(late.transcript)")
    }
  }
}
