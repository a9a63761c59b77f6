import LockstepFiles
import LockstepTesting
import Testing

/// Texts and files of tokens, from the command line.
@Suite struct SequenceTests {
  /// Small models, for the embedded text.
  static let models = [
    "lstm":
      #"{"type": "characterLSTM", "vocabulary": 72, "embedding": 8, "hidden": 24, "layers": 1}"#,
    "gpt":
      #"{"type": "gpt", "vocabulary": 72, "context": 16, "width": 16, "layers": 1, "heads": 2}"#,
  ]

  private static let data =
    #"{"type": "king-james", "window": 16, "testFraction": 0.02}"#

  /// Writes a configuration and returns its path.
  static func write(
    _ directory: String, model: String, data: String = data, name: String = "config"
  ) throws -> String {
    let path = "\(directory)/\(name).json"
    try AtomicFile.write(
      path,
      text: """
        {
          "data": \(data), "model": \(model), "loss": {"type": "softmaxCrossEntropy"},
          "batchSize": 16, "shards": 4, "epochs": 1, "seed": 1, "steps": 12,
          "optimizer": {"type": "adam", "learningRate": 0.01},
          "clip": {"type": "globalNorm", "limit": 1}, "checkpoint": {"everySteps": 5}
        }
        """)
    return path
  }

  @Test("one fingerprint on 1, 2 and 3 ranks", arguments: ["lstm", "gpt"])
  func ranks(_ name: String) throws {
    try withDirectory { directory in
      let path = try Self.write(directory, model: Self.models[name] ?? "")
      var fingerprints: Set<String> = []
      for ranks in 1...3 {
        let result = try Lockstep.run(
          ["train", path, "--run-directory", "none", "--quiet"], ranks: ranks)
        fingerprints.insert(try #require(result.fingerprint, "\(result.transcript)"))
      }
      #expect(fingerprints.count == 1)
    }
  }

  @Test(
    "a killed run goes on to the same weights; another text is refused", arguments: ["lstm", "gpt"])
  func resume(_ name: String) throws {
    try withDirectory { directory in
      let text = "\(directory)/text.txt"
      let verse = "And God said, Let there be light: and there was light.\n"
      try AtomicFile.write(text, text: String(repeating: verse, count: 200))
      let data = #"{"type": "text", "file": "text.txt", "window": 16, "testFraction": 0.1}"#
      let model = (Self.models[name] ?? "").replacing(
        #""vocabulary": 72"#, with: #""vocabulary": 22"#)
      let path = try Self.write(directory, model: model, data: data)
      func train(
        _ run: String, _ more: [String] = [], ranks: Int, environment: [String: String?] = [:]
      ) throws -> ProgramResult {
        try Lockstep.run(
          ["train", path, "--run-directory", "\(directory)/\(run)"] + more, ranks: ranks,
          environment: environment)
      }
      let whole = try train("whole", ranks: 2)
      let expected = try #require(whole.fingerprint, "\(whole.transcript)")
      #expect(whole.output.contains("bits a character"), "\(whole.transcript)")
      let killed = try train(
        "killed", ranks: 2, environment: ["LOCKSTEP_FAULT": "step:1:8:kill"])
      #expect(!killed.succeeded)
      try AtomicFile.write(
        text, text: String(repeating: verse, count: 199) + verse.replacing("light", with: "night"))
      let refused = try train("killed", ["--resume"], ranks: 3)
      #expect(refused.ending == .exited(2), "\(refused.transcript)")
      #expect(refused.complaints.first?.contains("other values in 'tokens'") == true)
      try AtomicFile.write(text, text: String(repeating: verse, count: 200))
      let resumed = try train("killed", ["--resume"], ranks: 3)
      #expect(resumed.fingerprint == expected, "\(resumed.transcript)")
    }
  }

  @Test(
    "a run writes texts: by the seed, from a prompt, from a checkpoint", arguments: ["lstm", "gpt"])
  func generate(_ name: String) throws {
    try withDirectory { directory in
      let path = try Self.write(directory, model: Self.models[name] ?? "")
      let run = "\(directory)/run"
      let trained = try Lockstep.run(["train", path, "--run-directory", run], ranks: 2)
      #expect(trained.succeeded, "\(trained.transcript)")
      func text(_ options: [String], ranks: Int = 1) throws -> String {
        let result = try Lockstep.run(["generate", run] + options, ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        return result.output
      }
      let options = ["--prompt", "In the", "--count", "50", "--seed", "7"]
      let first = try text(options)
      #expect(first.hasPrefix("In the"))
      #expect((56...57).contains(first.unicodeScalars.count))
      #expect(try text(options) == first)
      #expect(try text(options, ranks: 2) == first)
      #expect(try text(options + ["--checkpoint", "last"]) == first)
      #expect(try text(options + ["--checkpoint", "5"]) != first)
      #expect(try text(Array(options.dropLast()) + ["8"]) != first)
      let greedy = try text(["--temperature", "0", "--count", "30"])
      #expect(try text(["--top-k", "1", "--count", "30", "--seed", "3"]) == greedy)
      #expect(try text(["--top-p", "0.0001", "--count", "30"]) == greedy)
    }
  }

  @Test("a run's average of its weights writes and is evaluated, where it keeps one")
  func average() throws {
    try withDirectory { directory in
      let path = try Self.write(directory, model: Self.models["gpt"] ?? "")
      let run = "\(directory)/run"
      let trained = try Lockstep.run(
        ["train", path, "--run-directory", run, "--set", #"average={"decay":0.9}"#])
      #expect(trained.succeeded, "\(trained.transcript)")
      func text(_ options: [String]) throws -> String {
        let result = try Lockstep.run(
          ["generate", run, "--count", "60", "--temperature", "1"] + options)
        #expect(result.succeeded, "\(result.transcript)")
        let isNoticed = result.errorOutput.contains("keeps an average of its weights")
        #expect(isNoticed == options.isEmpty, "\(result.transcript)")
        return result.output
      }
      let average = try text([])
      #expect(try text(["--weights", "\(run)/average.safetensors"]) == average)
      let last = try text(["--weights", "\(run)/weights.safetensors"])
      #expect(last != average)
      #expect(try text(["--checkpoint", "last"]) == last)
      let logged = try jsonLines("\(run)/evaluations.jsonl")
      let expected = try #require(logged.last { $0["evaluation"]?.stringValue == "average" })
      let own = try Lockstep.run(["evaluate", run, "--json"])
      let report = try JSONValue.parse(try #require(own.lines.first, "\(own.transcript)"))
      #expect(report["loss"] == expected["loss"])
    }
  }

  /// Positions before a space do not count, so that shards weigh differently.
  @Test("Hessian-free steps train a recurrent network, to one fingerprint on 1, 2 and 3 ranks")
  func hessianFree() throws {
    try withDirectory { directory in
      let path = "\(directory)/config.json"
      try AtomicFile.write(
        path,
        text: """
          {
            "data": \(Self.data),
            "model": {
              "layers": [
                {"type": "Embedding", "count": 72, "width": 8},
                {"type": "RNN", "hiddenSize": 24}, {"type": "Linear", "outFeatures": 72}
              ]
            },
            "loss": {"type": "softmaxCrossEntropy", "ignoreIndex": 1},
            "batchSize": 128, "shards": 4, "epochs": 1, "steps": 10, "seed": 1,
            "hessianFree": {
              "damping": 0.1, "structuralDamping": 0.03, "iterations": 12, "curvatureExamples": 64
            }
          }
          """)
      let run = "\(directory)/run"
      let alone = try Lockstep.run(["train", path, "--run-directory", run])
      let expected = try #require(alone.fingerprint, "\(alone.transcript)")
      let losses = try jsonLines("\(run)/metrics.jsonl").compactMap { $0["loss"]?.doubleValue }
      // Knowing nothing is worth ln 72 = 4.28.
      #expect(losses.count == 10 && losses[0] > 4.1 && losses[9] < 3.2, "\(losses)")
      for ranks in 2...3 {
        let result = try Lockstep.run(["train", path, "--run-directory", "none"], ranks: ranks)
        #expect(result.fingerprint == expected, "\(result.transcript)")
      }
    }
  }

  @Test("evaluate reads another text by the run's characters; predict says what to use instead")
  func evaluate() throws {
    try withDirectory { directory in
      let path = try Self.write(directory, model: Self.models["lstm"] ?? "")
      let run = "\(directory)/run"
      let trained = try Lockstep.run(["train", path, "--run-directory", run])
      #expect(trained.succeeded, "\(trained.transcript)")
      let logged = try #require(try jsonLines("\(run)/evaluations.jsonl").last)
      let own = try Lockstep.run(["evaluate", run, "--json"], ranks: 2)
      let report = try JSONValue.parse(try #require(own.lines.first, "\(own.transcript)"))
      #expect(report["loss"] == logged["loss"])
      let (loss, bits) = (
        report["loss"]?.doubleValue ?? 0, report["bitsPerToken"]?.doubleValue ?? 0
      )
      #expect(abs(bits - loss / 0.693_147_180_559_945_3) < 1e-9)
      #expect(report["perplexity"] != nil)

      let other = "\(directory)/other.txt"
      try AtomicFile.write(other, text: String(repeating: "And Noah lived.\n", count: 20))
      let evaluated = try Lockstep.run(["evaluate", run, "--input", other])
      #expect(evaluated.succeeded, "\(evaluated.transcript)")
      #expect(evaluated.output.contains(" bits a character, accuracy "))
      #expect(evaluated.output.hasSuffix(", of 19 examples\n"), "\(evaluated.transcript)")
      func refusal(_ arguments: [String]) throws -> String {
        let result = try Lockstep.run(arguments)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        return result.complaints.first ?? ""
      }
      try AtomicFile.write(other, text: "And Noah lived.\nAnd Noé lived.\n")
      let unknown = try refusal(["evaluate", run, "--input", other])
      #expect(
        unknown.contains("\(other): line 2, column 7: the character 'é' (U+00E9)"), "\(unknown)")
      try AtomicFile.write(other, bytes: Array("And Noah lived.".utf8) + [0xE9, 0x0A])
      let invalid = try refusal(["evaluate", run, "--input", other])
      #expect(invalid.contains("\(other): byte 15 is no UTF-8"), "\(invalid)")
      try AtomicFile.write(other, text: "And Noah")
      let short = try refusal(["evaluate", run, "--input", other])
      #expect(short.contains("\(other): has 8 tokens, and a window"), "\(short)")
      let prompt = try refusal(["generate", run, "--prompt", "Noé"])
      #expect(
        prompt.contains("the prompt, line 1, column 3: the character 'é' (U+00E9)"), "\(prompt)")
      let predicted = try refusal(["predict", run])
      #expect(predicted.contains("lockstep generate"), "\(predicted)")
      for (option, value) in [
        ("--temperature", "-1"), ("--top-p", "0"), ("--top-k", "0"), ("--count", "x"),
      ] {
        let wrong = try refusal(["generate", run, option, value])
        #expect(wrong.contains("'\(option)' must be"), "\(wrong)")
      }
    }
  }

  @Test("models and data that do not fit are named")
  func badInput() throws {
    try withDirectory { directory in
      func refusal(model: String, data: String) throws -> String {
        let path = try Self.write(directory, model: model, data: data)
        let result = try Lockstep.run(["train", path, "--run-directory", "none"], ranks: 2)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.complaints.count == 1, "\(result.transcript)")
        return result.complaints.first ?? ""
      }
      let gpt = Self.models["gpt"] ?? ""
      let heads = try refusal(
        model: gpt.replacing(#""heads": 2"#, with: #""heads": 3"#), data: Self.data)
      #expect(heads.contains("3 heads do not divide the width 16"), "\(heads)")
      let context = try refusal(
        model: gpt.replacing(#""context": 16"#, with: #""context": 8"#), data: Self.data)
      #expect(context.contains("there are 8 positions"), "\(context)")
      let vocabulary = try refusal(
        model: gpt.replacing(#""vocabulary": 72"#, with: #""vocabulary": 70"#), data: Self.data)
      #expect(vocabulary.contains("72") && vocabulary.contains("70"), "\(vocabulary)")

      func file(_ name: String, _ bytes: [UInt8]) throws {
        try AtomicFile.write("\(directory)/\(name)", bytes: bytes)
      }
      try file(
        "a.txt", Array(repeating: 97, count: 500) + [0xFF] + Array(repeating: 97, count: 500))
      let text = #"{"type": "text", "file": "a.txt", "window": 16}"#
      let invalid = try refusal(model: gpt, data: text)
      #expect(invalid.contains("\(directory)/a.txt: byte 500 is no UTF-8"), "\(invalid)")
      try file("a.txt", Array(repeating: 97, count: 10))
      let short = try refusal(model: gpt, data: text)
      #expect(short.contains("\(directory)/a.txt: has 10 tokens, and a window"), "\(short)")

      var tokens: [UInt8] = (0..<2000).flatMap { [UInt8($0 % 72), 0] as [UInt8] }
      tokens[2 * 333] = 90
      try file("t.bin", tokens)
      let data = #"{"type": "tokens", "file": "t.bin", "vocabulary": 72, "window": 16}"#
      let outside = try refusal(model: gpt, data: data)
      #expect(outside.contains("\(directory)/t.bin"), "\(outside)")
      #expect(outside.contains("the token at position 333 is 90"), "\(outside)")
      try file("t.bin", tokens.dropLast())
      let odd = try refusal(model: gpt, data: data)
      #expect(odd.contains("\(directory)/t.bin: has 3999 bytes"), "\(odd)")
    }
  }

  @Test("a start from weights of other characters is noticed")
  func otherCharacters() throws {
    try withDirectory { directory in
      let data = #"{"type": "text", "file": "text.txt", "window": 16}"#
      let model = (Self.models["lstm"] ?? "").replacing("72", with: "9")
      let path = try Self.write(directory, model: model, data: data)
      func train(_ text: String, _ run: String, _ more: [String] = []) throws -> String {
        try AtomicFile.write(
          "\(directory)/text.txt", text: String(repeating: text + "\n", count: 100))
        let result = try Lockstep.run(
          ["train", path, "--run-directory", "\(directory)/\(run)"] + more)
        #expect(result.succeeded, "\(result.transcript)")
        return result.output + result.errorOutput
      }
      _ = try train("abcdefgh", "first")
      let start = ["--initial-weights", "\(directory)/first"]
      #expect(try !train("hgfedcba", "same", start).contains("follows the old ones"))
      let other = try train("abcdefgi", "other", start)
      #expect(other.contains("and the weights were trained on the characters"), "\(other)")
      #expect(other.contains("what was loaded follows the old ones"), "\(other)")
    }
  }

  @Test("a file of tokens trains, and generate says that it knows no text for them")
  func tokens() throws {
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/t.bin", bytes: (0..<4000).flatMap { [UInt8($0 * $0 % 72), 0] as [UInt8] })
      let data = """
        {"type": "tokens", "file": "t.bin", "vocabulary": 72, "window": 16, "testFraction": 0.1,
         "starts": "everyPosition"}
        """
      let path = try Self.write(directory, model: Self.models["gpt"] ?? "", data: data)
      let run = "\(directory)/run"
      let result = try Lockstep.run(["train", path, "--run-directory", run], ranks: 2)
      #expect(result.fingerprint != nil, "\(result.transcript)")
      #expect(result.output.contains("bits a token"), "\(result.transcript)")
      #expect(result.output.contains("of 24 examples"), "\(result.transcript)")
      let other = try Lockstep.run(["evaluate", run, "--input", "\(directory)/t.bin"])
      #expect(other.output.contains("of 249 examples"), "\(other.transcript)")
      let text = try Lockstep.run(["generate", run])
      #expect(text.ending == .exited(2), "\(text.transcript)")
      #expect(text.complaints.first?.contains("trained on a file of tokens") == true)
    }
  }
}
