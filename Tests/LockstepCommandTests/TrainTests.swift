import LockstepFiles
import LockstepTesting
import Testing

/// Training as users start it: the same bits on any number of ranks, through kills and resumes.
@Suite struct TrainTests {
  /// Eight shards, twenty steps, clipping active, max-norm binding.
  static func options(_ optimizer: String) -> [String] {
    let rate = optimizer == "sgd" ? "0.05" : "0.002"
    return [
      "--set", "shards=8", "--set", "steps=20", "--set", "seed=5",
      "--set", "optimizer={\"type\": \"\(optimizer)\", \"learningRate\": \(rate)}",
      "--set", "clip={\"type\": \"globalNorm\", \"limit\": 0.5}",
      "--set",
      "constraints=[{\"pattern\": \"*.weight\", \"type\": \"maxNorm\", \"limit\": 0.5}]",
    ]
  }
  @Test(arguments: ["digits-mlp", "digits-cnn"], ["sgd", "adam"])
  func anyNumberOfRanksGivesTheSameBits(_ model: String, _ optimizer: String) throws {
    let arguments =
      ["train", Lockstep.example(model)] + Self.options(optimizer)
    try withDirectory { directory in
      let alone = try Lockstep.run(arguments + ["--run-directory", "\(directory)/run"])
      let expected = try #require(alone.fingerprint, "\(alone.transcript)")
      let steps = try jsonLines("\(directory)/run/metrics.jsonl")
      #expect(steps.count == 20)
      #expect(steps.contains { $0["clipped"] == true })
      // Without the constraint the weights are others: it did bind.
      let free = try Lockstep.run(
        arguments + ["--run-directory", "none", "--set", "constraints=[]"])
      #expect(free.fingerprint != nil && free.fingerprint != expected)
      for ranks in 2...5 {
        let result = try Lockstep.run(arguments + ["--run-directory", "none"], ranks: ranks)
        #expect(result.fingerprint == expected, "\(ranks) ranks: \(result.transcript)")
      }
      let threaded = try Lockstep.run(
        arguments + ["--run-directory", "none", "--set", "threads=2"], ranks: 3)
      #expect(threaded.fingerprint == expected, "2 threads: \(threaded.transcript)")
      // Another instruction set is another set of oneDNN's kernels: other bits, the same on any
      // number of ranks.
      let pinned = arguments + ["--run-directory", "none", "--isa", "baseline"]
      let one = try Lockstep.run(pinned)
      let three = try Lockstep.run(pinned, ranks: 3)
      #expect(one.fingerprint != nil && one.fingerprint == three.fingerprint)
    }
  }

  /// Norms of every parameter at chosen steps, the coefficient and the part clipped at all of them.
  @Test func clippingIsLogged() throws {
    try withDirectory { directory in
      func lines(_ name: String, _ options: [String], ranks: Int) throws -> [JSONObject] {
        let result = try Lockstep.run(
          ["train", Lockstep.example("digits-cnn")] + Self.options("adam") + options
            + ["--set", "steps=4", "--set", "log.parameterNormsEverySteps=2"]
            + ["--run-directory", "\(directory)/\(name)"], ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        return try jsonLines("\(directory)/\(name)/metrics.jsonl").map { line in
          var line = try #require(line.objectValue)
          line["examplesPerSecond"] = nil
          return line
        }
      }
      let one = try lines("one", [], ranks: 1)
      #expect(try lines("three", ["--set", "update=sharded"], ranks: 3) == one)
      for (index, line) in one.enumerated() {
        func number(_ key: String) throws -> Double { try #require(line[key]?.doubleValue) }
        let (before, after) = (try number("gradientNorm"), try number("clippedGradientNorm"))
        #expect(try abs(number("coefficient") - after / before) < 1e-15)
        #expect(try number("clippedFraction") == (line["clipped"] == true ? 1 : 0))
        guard index % 2 == 1 else {
          #expect(line["parameterNorms"] == nil)
          continue
        }
        let norms = try #require(line["parameterNorms"]?.objectValue)
        #expect(norms.keys.first == "0.weight" && norms.keys.count == 12)
        for (place, whole) in [before, after].enumerated() {
          let squares = try norms.members.reduce(0) { sum, member in
            let norm = try #require(member.value.arrayValue?[place].doubleValue)
            return sum + norm * norm
          }
          #expect(abs(squares.squareRoot() / whole - 1) < 1e-12)
        }
      }
    }
  }

  /// Ranks are killed with SIGKILL in the middle of a run that saves often; others go on.
  @Test func killedAndResumedOnOtherRanksIsUndisturbed() throws {
    let arguments =
      ["train", Lockstep.example("digits-mlp")] + Self.options("adam") + [
        "--set", "steps=150", "--set", "checkpoint.everySteps=4",
      ]
    try withDirectory { directory in
      let whole = try Lockstep.run(arguments + ["--run-directory", "none"])
      let expected = try #require(whole.fingerprint, "\(whole.transcript)")
      let resume = ["--run-directory", "\(directory)/run", "--resume"]
      for ranks in [2, 3, 1, 4] {
        // The last rank gets SIGKILL in the 25th step that it takes.
        let result = try Lockstep.run(
          arguments + resume, ranks: ranks,
          environment: ["LOCKSTEP_FAULT": "step:\(ranks - 1):25:kill"])
        #expect(!result.succeeded, "\(result.transcript)")
      }
      let saved = try SystemFileSystem().list("\(directory)/run/checkpoints")
      #expect(!saved.isEmpty)
      let result = try Lockstep.run(arguments + resume, ranks: 2)
      #expect(result.fingerprint == expected, "\(result.transcript)")
      // Every step is logged once, in order, whatever was killed between.
      let steps = try jsonLines("\(directory)/run/metrics.jsonl").map { $0["step"] }
      #expect(steps == (1...150).map { .integer($0) })
    }
  }

  /// Stopped early by the number of steps, then continued: `steps` may differ.
  @Test func longerRunsGoOnFromShorterOnes() throws {
    let arguments = ["train", Lockstep.example("digits-cnn")] + Self.options("adam")
    try withDirectory { directory in
      let place = ["--run-directory", "\(directory)/run"]
      let first = try Lockstep.run(arguments + place + ["--set", "steps=7"], ranks: 2)
      #expect(first.succeeded, "\(first.transcript)")
      let second = try Lockstep.run(arguments + place + ["--resume"], ranks: 3)
      #expect(second.output.contains("resumed from"))
      let whole = try Lockstep.run(arguments + ["--run-directory", "none"])
      #expect(second.fingerprint != nil && second.fingerprint == whole.fingerprint)
    }
  }

  /// Eight shards or one: the same sums in another order.
  @Test func shardsChangeRoundingAlone() throws {
    try withDirectory { directory in
      var weights: [[Float]] = []
      for shards in [1, 8] {
        let run = "\(directory)/\(shards)"
        let result = try Lockstep.run(
          ["train", Lockstep.example("digits-mlp")] + Self.options("sgd") + [
            "--set", "shards=\(shards)", "--run-directory", run,
          ])
        #expect(result.succeeded, "\(result.transcript)")
        let file = try SafetensorsFile("\(run)/weights.safetensors")
        var values: [Float] = []
        for tensor in file.tensors {
          var part = [Float](repeating: 0, count: tensor.count)
          try part.withUnsafeMutableBufferPointer { try file.read(tensor.name, into: $0) }
          values += part
        }
        weights.append(values)
      }
      var (difference, norm) = (0.0, 0.0)
      for (a, b) in zip(weights[0], weights[1]) {
        difference += Double(a - b) * Double(a - b)
        norm += Double(a) * Double(a)
      }
      #expect(difference > 0, "eight shards have the bits of one: were they used?")
      #expect((difference / norm).squareRoot() < 1e-5)
    }
  }

  @Test func aRunDirectoryHoldsOneRun() throws {
    let arguments = ["train", Lockstep.example("digits-mlp"), "--set", "steps=2"]
    try withDirectory { directory in
      let place = ["--run-directory", "\(directory)/deep/run"]
      let first = try Lockstep.run(arguments + place)
      #expect(first.succeeded, "\(first.transcript)")
      #expect(FileKind("\(directory)/deep/run/weights.safetensors") == .regular)
      let second = try Lockstep.run(arguments + place, ranks: 2)
      #expect(second.ending == .exited(2), "\(second.transcript)")
      #expect(second.complaints.count == 1)
      #expect(second.complaints[0].contains("holds a run already; resume it with --resume"))
      // Another configuration is refused, with the keys that differ.
      let other = try Lockstep.run(
        arguments + place + ["--resume", "--set", "seed=77", "--set", "batchSize=32"])
      #expect(other.ending == .exited(2), "\(other.transcript)")
      #expect(other.complaints[0].contains("seed, batchSize"), "\(other.transcript)")
    }
  }

  @Test func initialWeightsAreWhereTrainingStarts() throws {
    try withDirectory { directory in
      let base = ["train", Lockstep.example("digits-mlp")]
      let first = try Lockstep.run(
        base + ["--set", "steps=5", "--run-directory", "\(directory)/a"])
      #expect(first.succeeded)
      // A step of rate zero from these weights leaves them.
      let same = try Lockstep.run(
        base + [
          "--set", "steps=1", "--set", "optimizer={\"type\": \"sgd\", \"learningRate\": 0}",
          "--set", "seed=99", "--set", "constraints=[]",
          "--initial-weights", "\(directory)/a/weights.safetensors", "--run-directory", "none",
        ], ranks: 2)
      #expect(same.fingerprint != nil && same.fingerprint == first.fingerprint)
      let unfit = try Lockstep.run(
        [
          "train", Lockstep.example("digits-cnn"), "--run-directory", "none",
          "--initial-weights", "\(directory)/a/weights.safetensors",
        ], ranks: 2)
      #expect(unfit.ending == .exited(2), "\(unfit.transcript)")
      #expect(unfit.complaints.count == 1 && unfit.complaints[0].contains("weights.safetensors: "))
    }
  }
}
