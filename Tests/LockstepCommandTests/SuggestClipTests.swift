import LockstepFiles
import LockstepTesting
import Testing

/// What `suggest-clip` prints works where it is pasted.
@Suite struct SuggestClipTests {
  /// A small run whose norms fall, and its configuration's file.
  private static func train(_ settings: [String], in directory: String) throws -> String {
    let path = "\(directory)/blobs.json"
    try AtomicFile.write(
      path,
      text: #"""
        {"data": {"type": "blobs"}, "model": {"type": "mlp", "sizes": [16, 2]}, "batchSize": 50,
         "epochs": 20, "optimizer": {"type": "sgd", "learningRate": 0.1}}
        """#)
    let result = try Lockstep.run(
      ["train", path, "--run-directory", "\(directory)/run"] + settings.flatMap { ["--set", $0] })
    #expect(result.succeeded, "\(result.transcript)")
    return path
  }

  /// The values of `clip` that a text gives, in quotes of a shell or as lines of a configuration.
  private static func pasted(_ text: String) -> [String] {
    var found: [String] = []
    var open: [Substring]?
    for line in text.split(separator: "\n") {
      if let lines = open {
        open = line == "]" ? nil : lines + [line]
        if line == "]" { found.append((lines + [line]).joined()) }
      } else if line == "\"clip\": [" {
        open = ["["]
      } else if line.hasPrefix("\"clip\": ") {
        found.append(String(line.dropFirst("\"clip\": ".count)))
      } else if let start = line.firstRange(of: "--set 'clip=") {
        found.append(String(line[start.upperBound...].dropLast()))
      }
    }
    return found
  }

  @Test(
    arguments: [
      ([], "zClip"), (["clip=null"], "zClip"),
      ([#"clip={"type": "zClip", "alpha": 0.9}"#], "zClip"),
      ([#"clip=[{"type": "spike"}, {"type": "globalNorm", "limit": 10}]"#], "zClip"),
      ([#"clip={"type": "perExample", "norm": 3}"#], "perExample"),
      (
        [#"clip={"type": "perExample", "norm": 3}"#, #"privacy={"noise": 1, "delta": 1e-5}"#],
        "perExample"
      ),
      ([#"clip=[{"type": "perShard", "norm": 3}, {"type": "zClip"}]"#], "perShard"),
      ([#"optimizer={"type": "muon", "learningRate": 0.02}"#], "zClip"),
      ([#"optimizer={"type": "scion", "learningRate": 0.01}"#], "zClip"),
      (
        [#"optimizer={"type": "adam", "learningRate": 0.001}"#, #"clip={"type": "spike"}"#],
        "zClip"
      ),
    ] as [([String], String)])
  func whatIsPrintedIsAccepted(settings: [String], type: String) throws {
    try withDirectory { directory in
      let path = try Self.train(settings, in: directory)
      let text = try Lockstep.run(["suggest-clip", "\(directory)/run", "--tensors"])
      #expect(text.succeeded, "\(text.transcript)")
      let values = Self.pasted(text.output)
      // The norm of all, and the limits that follow each tensor's norms, at least.
      #expect(values.count >= 2 && values[0].contains(#""type":"\#(type)""#), "\(text.output)")
      for value in values {
        let tried = try Lockstep.run(
          ["train", path, "--set", "steps=2", "--run-directory", "none"]
            + (settings + ["clip=\(value)"]).flatMap { ["--set", $0] })
        #expect(tried.succeeded, "\(value): \(tried.transcript)")
        let clip = try JSONValue.parse(value)
        let types = (clip.arrayValue ?? [clip]).map { $0["type"]?.stringValue }
        if ["perExample", "perShard"].contains(type) { #expect(types.first == type, "\(value)") }
      }
    }
  }

  /// Signs have no length: nothing is suggested, and it is said why.
  @Test func nothingIsSuggestedForSigns() throws {
    try withDirectory { directory in
      _ = try Self.train([#"optimizer={"type": "signSGD", "learningRate": 0.001}"#], in: directory)
      let text = try Lockstep.run(["suggest-clip", "\(directory)/run", "--tensors"])
      #expect(text.succeeded && Self.pasted(text.output).isEmpty, "\(text.transcript)")
      #expect(text.output.contains("signSGD ignores the size of gradients"))
    }
  }

  /// Norms that fall: a clip that follows them comes first, and hardly acts when it is pasted.
  @Test func aTrendIsSaidAndFollowed() throws {
    try withDirectory { directory in
      let path = try Self.train([], in: directory)
      let text = try Lockstep.run(["suggest-clip", "\(directory)/run"])
      #expect(text.output.contains("The usual norm falls over the run"), "\(text.transcript)")
      let first = try #require(Self.pasted(text.output).first)
      #expect(try JSONValue.parse(first)["type"] == "zClip")
      let clipped = try Lockstep.run([
        "train", path, "--set", "clip=\(first)", "--run-directory", "\(directory)/clipped",
      ])
      #expect(clipped.succeeded, "\(clipped.transcript)")
      let lines = try jsonLines("\(directory)/clipped/metrics.jsonl")
      #expect(lines.count == 400 && lines.count { $0["clipped"] == true } < 40)
      let last = try jsonLines("\(directory)/run/metrics.jsonl").last?["loss"]?.doubleValue ?? 0
      #expect((lines.last?["loss"]?.doubleValue ?? 1) < 1.5 * last)
    }
  }
}
