import LockstepFiles
import LockstepTesting
import Testing

/// Clips of single examples and private training, as users start them.
@Suite struct PrivacyTests {
  private static let noise = ["--set", #"privacy={"noise": 1.1, "delta": 1e-5}"#]
  /// No batch normalisation; momentum, a clip and a constraint behind the examples' own.
  private static let options = [
    "--set", "shards=8", "--set", "steps=12", "--set", "batchSize=64", "--set",
    #"clip=[{"type": "perExample", "norm": 2}, {"type": "globalNorm", "limit": 1}]"#, "--set",
    #"constraints=[{"pattern": "*.weight", "type": "maxNorm", "limit": 1}]"#, "--set",
    #"optimizer={"type": "adamW", "learningRate": 0.003}"#,
  ]
  private static let convolutional = [
    "--set",
    #"model={"layers": [{"type": "Conv2d", "outChannels": 16, "kernel": 3}, {"type": "GroupNorm", "groups": 4}, {"type": "ReLU"}, {"type": "MaxPool2d", "kernel": 2}, {"type": "Conv2d", "outChannels": 16, "kernel": 3}, {"type": "ReLU"}, {"type": "Flatten"}, {"type": "Linear", "outFeatures": 10}]}"#,
  ]

  private static func train(
    _ arguments: [String], ranks: Int = 1, in run: String = "none",
    environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    try Lockstep.run(
      ["train", Lockstep.example("digits-mlp"), "--run-directory", run] + options + arguments,
      ranks: ranks, environment: environment)
  }

  @Test(arguments: [false, true], [false, true])
  func anyNumberOfRanksGivesTheSameBits(isPrivate: Bool, isConvolutional: Bool) throws {
    let arguments = (isPrivate ? Self.noise : []) + (isConvolutional ? Self.convolutional : [])
    let alone = try Self.train(arguments)
    let expected = try #require(alone.fingerprint, "\(alone.transcript)")
    for ranks in [2, 3, 5] {
      let update = ["--set", "update=\(ranks == 3 ? "replicated" : "sharded")"]
      let result = try Self.train(arguments + update, ranks: ranks)
      #expect(result.fingerprint == expected, "\(ranks) ranks: \(result.transcript)")
    }
    let threaded = try Self.train(arguments + ["--set", "threads=2"], ranks: 2)
    #expect(threaded.fingerprint == expected, "2 threads: \(threaded.transcript)")
    guard isPrivate else { return }
    let pinned = arguments + ["--isa", "baseline"]
    let one = try Self.train(pinned)
    #expect(try Self.train(pinned, ranks: 3).fingerprint == one.fingerprint)
  }

  @Test func resumingGoesOnWithTheSameNoiseAndBatches() throws {
    try withDirectory { directory in
      let whole = try Self.train(Self.noise)
      let half = try Self.train(Self.noise + ["--set", "steps=5"], in: "\(directory)/run")
      #expect(half.succeeded, "\(half.transcript)")
      let resumed = try Self.train(Self.noise + ["--resume"], ranks: 2, in: "\(directory)/run")
      #expect(resumed.fingerprint != nil && resumed.fingerprint == whole.fingerprint)
      let other = try Self.train(Self.noise + ["--set", "seed=77"])
      #expect(other.fingerprint != whole.fingerprint)
    }
  }

  /// What Opacus tells of 12 steps with noise 1.1, 64 of 4000 examples in the mean, and δ = 1e-5.
  private static let epsilon = 0.9776

  @Test func epsilonIsToldAtTheStartAtTheEndAndInEachLine() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let result = try Self.train(Self.noise, in: run)
      let told = result.lines.filter { $0.hasPrefix("privacy: ε = ") }
      #expect(told.count == 2, "\(result.transcript)")
      #expect(told.allSatisfy { $0.contains("δ = 1e-5") && $0.contains("12 steps") })
      let lines = try jsonLines("\(run)/metrics.jsonl")
      let epsilons = lines.compactMap { $0["epsilon"]?.doubleValue }
      #expect(epsilons.count == 12)
      #expect(zip(epsilons, epsilons.dropFirst()).allSatisfy { $0 < $1 })
      #expect(abs((epsilons.last ?? 0) - Self.epsilon) <= 1e-3, "\(epsilons)")
      // Batches differ in size; norms are logged.
      #expect(Set(lines.compactMap { $0["examples"]?.integerValue }).count > 3)
      #expect(lines.allSatisfy { ($0["exampleNorm"]?.doubleValue ?? 0) > 0 })
      #expect(lines.allSatisfy { ($0["clippedExamples"]?.doubleValue ?? -1) >= 0 })
      let dry = try Self.train(Self.noise + ["--dry-run"])
      #expect(dry.output.contains("ε = "), "\(dry.transcript)")
    }
  }

  /// Batches that are drawn at random may have no example: such a step has noise alone, and no rate.
  @Test func aBatchWithoutExamplesIsAStep() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let few = ["--set", "batchSize=1", "--set", "shards=1", "--set", "steps=30"]
      let alone = try Self.train(Self.noise + few, in: run)
      #expect(alone.fingerprint != nil, "\(alone.transcript)")
      let lines = try jsonLines("\(run)/metrics.jsonl").filter { $0["loss"] != nil }
      let empty = lines.filter { $0["examples"]?.integerValue == 0 }
      #expect(lines.count == 30 && !empty.isEmpty && empty.count < 30)
      #expect(empty.allSatisfy { $0["examplesPerSecond"]?.doubleValue == 0 }, "\(empty)")
      #expect(try Lockstep.run(["report", run]).succeeded)
    }
  }

  @Test func suggestClipReadsExamplesNorms() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      #expect(try Self.train(Self.noise + ["--set", "steps=40"], in: run).succeeded)
      let text = try Lockstep.run(["suggest-clip", run])
      #expect(text.output.contains("of examples"), "\(text.transcript)")
      #expect(text.output.contains(#"--set 'clip=[{"type":"perExample","norm":"#))
      let json = try JSONValue.parse(
        Array(try Lockstep.run(["suggest-clip", run, "--json"]).output.utf8))
      let examples = try #require(json["examples"])
      #expect(examples["percentile"] == .integer(50))
      #expect((examples["threshold"]?.doubleValue ?? 0) > 0)
    }
  }

  @Test(arguments: [
    (#"clip={"type": "globalNorm", "limit": 1}"#, "perExample"),
    (#"privacy={"noise": 0, "delta": 1e-5}"#, "privacy.noise"),
    (#"privacy={"noise": 1, "delta": 0.5}"#, "1 / 4000"),
    (#"privacy={"noise": 1}"#, "privacy.delta"),
    ("nonFinite=skip", "tells of its examples"),
    (#"wire={"type": "bfloat16"}"#, "bfloat16"),
    (
      #"loss={"type": "softmaxCrossEntropy", "classWeights": [1,2,1,1,1,1,1,1,1,1]}"#, "count alike"
    ),
    (#"data.augment={"type": "mixup"}"#, "mixture"),
    (#"data.sampling={"type": "balanced"}"#, "data.sampling"),
    ("batchSize=5000", "5000"),
  ])
  func nonsenseIsRefused(setting: String, words: String) throws {
    let result = try Self.train(Self.noise + ["--set", setting], ranks: 2)
    #expect(result.ending == .exited(2) || result.ending == .exited(1), "\(result.transcript)")
    #expect(result.complaints.contains { $0.contains(words) }, "\(result.transcript)")
  }

  @Test func theClipStandsFirst() throws {
    let result = try Self.train([
      "--set",
      #"clip=[{"type": "globalNorm", "limit": 1}, {"type": "perExample", "norm": 2}]"#,
    ])
    #expect(result.ending == .exited(2))
    #expect(result.complaints.first?.contains("first clip") == true, "\(result.transcript)")
    let normalized = try Lockstep.run(
      ["train", Lockstep.example("digits-cnn"), "--run-directory", "none"] + Self.options)
    #expect(normalized.complaints.first?.contains("GroupNorm") == true, "\(normalized.transcript)")
  }
}
