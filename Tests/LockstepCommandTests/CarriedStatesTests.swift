import LockstepFiles
import LockstepTesting
import Testing

/// Models that carry their states from window to window, from the command line.
@Suite struct CarriedStatesTests {
  private static let model =
    #"{"type": "characterLSTM", "vocabulary": 22, "embedding": 8, "hidden": 16, "layers": 2, "carriesState": true}"#
  private static let data =
    #"{"type": "text", "file": "text.txt", "window": 16, "starts": "streams", "testFraction": 0.1}"#

  /// A text of eleven windows in each of sixteen streams, and a configuration of two epochs on it.
  private static func write(
    _ directory: String, model: String = model, data: String = data, more: String = ""
  ) throws -> String {
    let verse = "And God said, Let there be light: and there was light.\n"
    try AtomicFile.write(
      "\(directory)/text.txt", text: String(repeating: verse, count: 60))
    let path = "\(directory)/config.json"
    try AtomicFile.write(
      path,
      text: """
        {
          "data": \(data), "model": \(model), "loss": {"type": "softmaxCrossEntropy"},
          "batchSize": 16, "shards": 4, "epochs": 2, "seed": 1,
          "optimizer": {"type": "adam", "learningRate": 0.01},
          "evaluate": {"batchSize": 4},
          "clip": {"type": "globalNorm", "limit": 1}, "checkpoint": {"everySteps": 5}\(more)
        }
        """)
    return path
  }

  @Test("one fingerprint on 1, 2 and 3 ranks with one thread or two")
  func ranks() throws {
    try withDirectory { directory in
      let path = try Self.write(directory)
      var fingerprints: Set<String> = []
      for ranks in 1...3 {
        for threads in 1...2 {
          let result = try Lockstep.run(
            [
              "train", path, "--run-directory", "none", "--quiet", "--set", "threads=\(threads)",
            ], ranks: ranks)
          fingerprints.insert(try #require(result.fingerprint, "\(result.transcript)"))
        }
      }
      #expect(fingerprints.count == 1)
      let plain = try Lockstep.run([
        "train", path, "--run-directory", "none", "--quiet", "--set", "model.carriesState=false",
      ])
      #expect(!fingerprints.contains(try #require(plain.fingerprint, "\(plain.transcript)")))
    }
  }

  @Test("a run that was killed inside an epoch goes on with other ranks to the same weights")
  func resume() throws {
    try withDirectory { directory in
      let path = try Self.write(directory)
      func train(
        _ run: String, _ more: [String] = [], ranks: Int, environment: [String: String?] = [:]
      ) throws -> ProgramResult {
        try Lockstep.run(
          ["train", path, "--run-directory", "\(directory)/\(run)"] + more, ranks: ranks,
          environment: environment)
      }
      let whole = try train("whole", ranks: 1)
      let expected = try #require(whole.fingerprint, "\(whole.transcript)")
      for (before, after) in [(2, 3), (3, 1), (1, 2)] {
        let run = "killed-\(before)"
        // Step 18 is the seventh of the second epoch; the last checkpoint is that of step 15.
        let killed = try train(
          run, ranks: before, environment: ["LOCKSTEP_FAULT": "step:\(before - 1):18:kill"])
        #expect(!killed.succeeded)
        let resumed = try train(run, ["--resume"], ranks: after)
        #expect(resumed.fingerprint == expected, "\(resumed.transcript)")
      }
      // What was logged at the end is what the weights give.
      let logged = try #require(try jsonLines("\(directory)/whole/evaluations.jsonl").last)
      let own = try Lockstep.run(["evaluate", "\(directory)/whole", "--json"], ranks: 2)
      let report = try JSONValue.parse(try #require(own.lines.first, "\(own.transcript)"))
      #expect(report["loss"] == logged["loss"])
      let training = try Lockstep.run(["evaluate", "\(directory)/whole", "--on", "training"])
      #expect(training.output.hasSuffix(", of 176 examples\n"), "\(training.transcript)")
      let text = try Lockstep.run(["generate", "\(directory)/whole", "--count", "20"])
      #expect(text.succeeded, "\(text.transcript)")
    }
  }

  @Test("a shard that is taken out of a step, and a step that is skipped, leave states alone")
  func sick() throws {
    try withDirectory { directory in
      for policy in ["sanitize", "skip"] {
        let path = try Self.write(
          directory, more: #", "nonFinite": {"policy": "\#(policy)", "limit": 3}"#)
        var fingerprints: Set<String> = []
        for (ranks, threads) in [(1, 1), (2, 2), (3, 1)] {
          let result = try Lockstep.run(
            [
              "train", path, "--run-directory", "none", "--quiet", "--set", "threads=\(threads)",
            ], ranks: ranks, environment: ["LOCKSTEP_FAULT": "gradient:1:4-5:nan"])
          fingerprints.insert(try #require(result.fingerprint, "\(result.transcript)"))
        }
        #expect(fingerprints.count == 1, "\(policy)")
      }
    }
  }

  @Test("verify finds equal states on any number of ranks")
  func verify() throws {
    try withDirectory { directory in
      let path = try Self.write(directory)
      let result = try Lockstep.run(["verify", path, "--ranks", "1,2,3", "--steps", "13"])
      #expect(result.succeeded, "\(result.transcript)")
    }
  }

  @Test("data without streams, and texts that are too short, are refused by key")
  func badInput() throws {
    try withDirectory { directory in
      func refusal(model: String = Self.model, data: String) throws -> String {
        let path = try Self.write(directory, model: model, data: data)
        let result = try Lockstep.run(["train", path, "--run-directory", "none"], ranks: 2)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        return result.complaints.first ?? ""
      }
      for starts in ["contiguous", "everyPosition"] {
        let data = try refusal(data: Self.data.replacing("streams", with: starts))
        #expect(data.contains("'data.starts'") && data.contains("'streams'"), "\(data)")
        #expect(data.contains("'carriesState'"), "\(data)")
      }
      let short = try refusal(data: Self.data.replacing("16", with: "500"))
      #expect(
        short.contains("text.txt") && short.contains("16 streams") && short.contains("batchSize"),
        "\(short)")
      let both = try refusal(
        model: """
          {"layers": [{"type": "Embedding", "count": 22, "width": 4}, {"type": "GRU", "hiddenSize": 4,
            "bidirectional": true, "carriesState": true}, {"type": "Linear", "outFeatures": 22}]}
          """, data: Self.data)
      #expect(both.contains("a bidirectional layer carries no state"), "\(both)")
    }
  }
}
