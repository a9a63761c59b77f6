import LockstepFiles
import LockstepTesting
import Testing

/// Reports, suggestions, sweeps and predictions on a real run.
@Suite struct ReportTests {
  @Test func aRunIsReportedAndItsThresholdSuggested() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let trained = try Lockstep.run([
        "train", Lockstep.example("digits-mlp"), "--set", "steps=60", "--run-directory", run,
        "--set", "clip=null",
      ])
      #expect(trained.succeeded, "\(trained.transcript)")
      let report = try Lockstep.run([
        "report", run, "--loss-plot", "\(directory)/loss.svg", "--norm-plot",
        "\(directory)/norm.svg",
      ])
      #expect(report.succeeded, "\(report.transcript)")
      #expect(report.output.contains("0 of 60 steps"))
      let first = report.lines.first ?? ""
      #expect(first.hasPrefix("  outcome ") && first.hasSuffix(" done after step 60"), "\(first)")
      for plot in ["loss", "norm"] {
        let svg = String(
          decoding: try FileInput.contents(of: "\(directory)/\(plot).svg"), as: UTF8.self)
        #expect(svg.contains("<polyline"))
      }
      let result = try Lockstep.run([
        "suggest-clip", run, "--json", "--plot", "\(directory)/clip.svg",
      ])
      let json = try JSONValue.parse(try #require(result.lines.first))
      let threshold = try #require(json["threshold"]?.doubleValue)
      #expect(threshold > 0)
      // What it predicts holds on the history itself.
      let norms = try jsonLines("\(run)/metrics.jsonl").dropFirst(6).compactMap {
        $0["gradientNorm"]?.doubleValue
      }
      let chosen = try #require(
        json["candidates"]?.arrayValue?.first { $0["threshold"] == json["threshold"] })
      let fraction = Double(norms.count { $0 > threshold }) / Double(norms.count)
      #expect((chosen["clippedFraction"]?.doubleValue ?? -1) == fraction)
      let text = try Lockstep.run(["suggest-clip", run])
      #expect(text.output.contains("<- suggested"))
      let empty = try Lockstep.run(["suggest-clip", directory])
      #expect(empty.ending == .exited(2))
      #expect(empty.complaints.first?.contains("metrics.jsonl") == true)
    }
  }

  /// Thresholds tensor by tensor, of norms and of singular values, are the same for any number of ranks; the
  /// lines that are printed are a configuration, which clips about as often as it says.
  @Test func thresholdsOfTensorsAreSuggestedAndHold() throws {
    try withDirectory { directory in
      let train = [
        "train", Lockstep.example("digits-mlp"), "--set", "steps=300", "--set", "epochs=20",
        "--set",
        "clip=null",
      ]
      var outputs: [[String]] = []
      for (ranks, more) in [(1, []), (3, ["--set", "update=sharded"])] as [(Int, [String])] {
        let run = "\(directory)/run-\(ranks)"
        let arguments = train + ["--set", "log.singularValues=true", "--run-directory", run]
        let trained = try Lockstep.run(arguments + more, ranks: ranks)
        #expect(trained.succeeded, "\(trained.transcript)")
        outputs.append(
          try Lockstep.run(["suggest-clip", run, "--tensors", "--spectral", "--json"]).lines)
      }
      #expect(outputs[0] == outputs[1])
      let json = try JSONValue.parse(try #require(outputs[0].first))
      let text = try Lockstep.run(["suggest-clip", "\(directory)/run-1", "--tensors", "--spectral"])
      for (key, type) in [("tensors", "norm"), ("spectral", "spectral")] {
        let clips = try #require(json[key]?["clip"])
        #expect(clips.arrayValue?.first?["type"] == .string(type))
        #expect(text.output.contains(try #require(clips.arrayValue?.first).compactText))
        let run = "\(directory)/\(key)"
        let clipped = try Lockstep.run(
          train + ["--set", "clip=\(clips.compactText)", "--run-directory", run])
        #expect(clipped.succeeded, "\(clipped.transcript)")
        let lines = try jsonLines("\(run)/metrics.jsonl").dropFirst(30)
        let share = Double(lines.count { $0["clipped"] == true }) / Double(lines.count)
        let said = try #require(json[key]?["clippedFraction"]?.doubleValue)
        #expect(abs(share - said) < 0.2, "\(key): said \(said), found \(share)")
      }
      let without = try Lockstep.run(["suggest-clip", "\(directory)/tensors", "--spectral"])
      #expect(without.ending == .exited(2), "\(without.transcript)")
      #expect(without.complaints.first?.contains("log.singularValues=true") == true)
    }
  }

  @Test func aSweepComparesValues() throws {
    try withDirectory { directory in
      let arguments = [
        "sweep", Lockstep.example("digits-mlp"), "--vary", "clip.limit=0.1,1,1000", "--set",
        "steps=30", "--set", "shards=4", "--json",
      ]
      let plot = "\(directory)/sweep.svg"
      let one = try Lockstep.run(arguments + ["--plot", plot])
      #expect(one.succeeded, "\(one.transcript)")
      let rows = try one.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      try #require(rows.map { $0.objectValue?["clip.limit"] } == [.number(0.1), 1, 1000])
      // A firmer threshold clips more; the largest one nothing.
      let fractions = rows.compactMap { $0["clippedFraction"]?.doubleValue }
      #expect(fractions[0] == 1 && fractions[1] <= 1 && fractions[2] == 0)
      #expect(FileKind(plot) == .regular)
      let three = try Lockstep.run(arguments, ranks: 3)
      #expect(three.lines.filter { $0.hasPrefix("{") } == one.lines.filter { $0.hasPrefix("{") })
      let wrong = try Lockstep.run(
        ["sweep", Lockstep.example("digits-mlp"), "--vary", "clip.limit=1,-1"], ranks: 2)
      #expect(wrong.ending == .exited(2), "\(wrong.transcript)")
      #expect(wrong.complaints.count == 1 && wrong.complaints[0].contains("'clip.limit'"))
    }
  }

  /// Lists, names and two keys can be varied; what is no list of values is named.
  @Test func sweepsOverListsAndNames() throws {
    try withDirectory { directory in
      let example = Lockstep.example("digits-mlp")
      let arguments = [
        "sweep", example, "--set", "steps=2", "--json", "--vary",
        #"model.sizes=[16,10],[8, 10], 10"#, "--vary", "optimizer=adam,sgd",
      ]
      let plot = "\(directory)/sweep.svg"
      let result = try Lockstep.run(arguments + ["--plot", plot])
      #expect(result.succeeded, "\(result.transcript)")
      let rows = try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      #expect(
        rows.map { $0.objectValue?["model.sizes"] }
          == [[16, 10], [16, 10], [8, 10], [8, 10], 10, 10])
      let svg = String(decoding: try FileInput.contents(of: plot), as: UTF8.self)
      for name in ["[16,10]", "[8,10]", "optimizer = adam", "optimizer = sgd"] {
        #expect(svg.contains(">\(name)</text>"))
      }
      let seeds = ["--vary", "seed=1,2"]
      for (more, message) in [
        (seeds + ["--plot", "\(directory)/x.png"], "its name must end in '.svg'; found"),
        (seeds + ["--plot", "\(directory)/none/x.svg"], "there is no folder"),
        (seeds + ["--vary", "seed=3"], "'--vary seed=' is given twice"),
        (["--vary", "seed=[1,2"], "lacks a closing ']'"),
        (["--vary", "seed=1,,2"], "has an empty value"),
        (["--vary", "seed=1,1"], "has the value 1 twice"), (["--vary", "seed="], "has no values"),
      ] {
        let wrong = try Lockstep.run(["sweep", example] + more)
        #expect(
          wrong.ending == .exited(2) && wrong.errorOutput.contains(message), "\(wrong.transcript)")
      }
    }
  }

  /// The classes that predict prints are right as often as evaluate says.
  @Test func predictionsAgreeWithTheEvaluation() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let trained = try Lockstep.run([
        "train", Lockstep.example("breast-cancer"), "--set", "epochs=5", "--run-directory", run,
      ])
      #expect(trained.succeeded, "\(trained.transcript)")
      let evaluated = try Lockstep.run(["evaluate", run, "--json"])
      let report = try JSONValue.parse(try #require(evaluated.lines.first))
      let predicted = try Lockstep.run(["predict", run])
      let lines = try predicted.lines.filter { !$0.isEmpty }.map { try JSONValue.parse($0) }
      #expect(lines.count == report["examples"]?.integerValue)
      for line in lines {
        let output = try #require(line["outputs"]?.arrayValue?.first?.doubleValue)
        let probability = try #require(line["probabilities"]?.arrayValue?.first?.doubleValue)
        // The sigmoid once: positive exactly where the probability is above one half.
        #expect((output > 0) == (probability > 0.5))
        #expect((0...1).contains(probability))
      }
    }
  }
}
