import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What runs leave for people to see, and what shows it.
@Suite struct SeeingTests {
  private static let small = [
    "--set", "model.sizes=[16,10]", "--set", "shards=4", "--set", "steps=25", "--quiet",
  ]

  private static func train(
    _ example: String, _ run: String, ranks: Int = 1, _ more: [String] = []
  ) throws {
    let trained = try Lockstep.run(
      ["train", Lockstep.example(example), "--run-directory", run] + more, ranks: ranks)
    #expect(trained.succeeded, "\(trained.transcript)")
  }

  private static func text(_ path: String) throws -> String {
    String(decoding: try FileInput.contents(of: path), as: UTF8.self)
  }

  /// Norms and the last evaluation do not depend on the number of ranks, nor on a crash.
  @Test func recordsAreTheSameForAnyNumberOfRanks() throws {
    try withDirectory { directory in
      for ranks in 1...3 {
        try Self.train("digits-mlp", "\(directory)/\(ranks)", ranks: ranks, Self.small)
      }
      let norms = try Self.text("\(directory)/1/norms.jsonl")
      let steps = try jsonLines("\(directory)/1/norms.jsonl").compactMap {
        $0["step"]?.integerValue
      }
      #expect(steps == [1, 10, 20, 25])
      for ranks in 2...3 {
        #expect(try Self.text("\(directory)/\(ranks)/norms.jsonl") == norms)
        #expect(
          try Self.text("\(directory)/\(ranks)/evaluation.json")
            == Self.text("\(directory)/1/evaluation.json"))
      }
      let arguments =
        ["train", Lockstep.example("digits-mlp"), "--run-directory", "\(directory)/crashed"]
        + Self.small + ["--set", "checkpoint.everySteps=8"]
      let crashed = try Lockstep.run(
        arguments, ranks: 2, environment: ["LOCKSTEP_FAULT": "step:1:14:kill"])
      #expect(!crashed.succeeded)
      let resumed = try Lockstep.run(arguments + ["--resume"], ranks: 2)
      #expect(resumed.succeeded, "\(resumed.transcript)")
      #expect(try Self.text("\(directory)/crashed/norms.jsonl") == norms)
    }
  }

  /// The gradients' norms are those of the log's lines.
  @Test func normsAddUp() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      try Self.train("digits-mlp", run, Self.small)
      let log = try jsonLines("\(run)/metrics.jsonl")
      for line in try jsonLines("\(run)/norms.jsonl") {
        let step = try #require(line["step"]?.integerValue)
        for (place, key) in ["gradientNorm", "clippedGradientNorm"].enumerated() {
          let whole = try #require(log[step - 1][key]?.doubleValue)
          let squares = try #require(line["gradients"]?.objectValue).members.reduce(0) {
            let norm = $1.value.arrayValue?[place].doubleValue ?? .nan
            return $0 + norm * norm
          }
          #expect(abs(squares.squareRoot() - whole) <= 1e-6 * whole)
        }
        // maxNorm 3 on the weights.
        let units = try #require(line["units"]?.objectValue)
        #expect(units.keys == ["1.weight", "4.weight"])
        for (_, value) in units.members {
          let numbers = value.arrayValue?.compactMap(\.doubleValue) ?? []
          #expect(numbers.count == 4 && numbers[0] <= numbers[1] && numbers[1] <= 3.000_01)
          #expect(numbers[2] == 0 && numbers[3] == 3)
        }
      }
    }
  }

  /// The confusion matrix agrees with the accuracy, and the page has all parts.
  @Test func aPageIsMadeOfARun() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      try Self.train(
        "digits-mlp", run, ranks: 2, Self.small + ["--profile", "\(directory)/trace.json"])
      let evaluation = try JSONValue.parse(try Self.text("\(run)/evaluation.json"))
      let counts = try #require(evaluation["confusion"]?["counts"]?.arrayValue).map {
        $0.arrayValue?.compactMap(\.integerValue) ?? []
      }
      let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
      let accuracy = try #require(
        jsonLines("\(run)/evaluations.jsonl").last?["accuracy"]?.doubleValue)
      #expect(counts.joined().reduce(0, +) == 1000)
      #expect(abs(Double(right) / 1000 - accuracy) < 1e-9)
      let page = "\(directory)/run.html"
      let report = try Lockstep.run(["report", run, "--html", page])
      #expect(report.succeeded && report.output.contains("page \(page)"))
      let html = try Self.text(page)
      for part in [
        "loss", "metric-0", "norm", "coefficient", "rate", "speed", "gradients-0", "weights-0",
        "units-0", "breakdown-0", "roc",
      ] {
        #expect(
          html.contains("<figure class=\"card\" id=\"\(part)\">")
            || html.contains("<figure class=\"card wide\" id=\"\(part)\">"), "\(part)")
      }
      for part in ["Confusion matrix", "Worst predictions", "data:image/png", "fingerprint"] {
        #expect(html.contains(part), "\(part)")
      }
      #expect(html.contains("&quot;batchSize&quot;: 64"))
    }
  }

  /// Rows of tables, texts and series are shown as what they are; a regression's errors in its unit.
  @Test(arguments: [
    ("breast-cancer", "<th scope=\"row\">radius_mean</th>", "epochs=2"),
    ("rentals", "with the largest error", "epochs=1"),
    ("verses", "<blockquote>", "epochs=1"), ("gestures-gru", "<polyline", "steps=6"),
    ("fraud", "<th scope=\"row\">amount</th>", "epochs=1"),
    ("mnist1d-cnn", "<polyline", "steps=6"), ("load-forecast", "<polyline", "steps=6"),
  ])
  func examplesLookLikeThemselves(example: String, look: String, length: String) throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      try Self.train(example, run, ["--set", length, "--quiet"])
      let page = "\(directory)/run.html"
      let report = try Lockstep.run(["report", run, "--html", page])
      #expect(report.succeeded, "\(report.transcript)")
      #expect(try Self.text(page).contains(look), "\(example)")
    }
  }

  /// Models of tokens have no single predictions, and a run of theirs is reported all the same.
  @Test func tokensHaveNoExamples() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      try Self.train("characters-sgd", run, ["--set", "steps=3", "--quiet"])
      #expect(FileKind("\(run)/evaluation.json") == .missing)
      let report = try Lockstep.run(["report", run, "--html", "\(directory)/run.html"])
      #expect(report.succeeded, "\(report.transcript)")
    }
  }

  @Test func plotsOfPapersAreFiles() throws {
    try withDirectory { directory in
      for run in ["a", "b"] { try Self.train("digits-mlp", "\(directory)/\(run)", Self.small) }
      let folder = "\(directory)/deep/figures"
      let report = try Lockstep.run(
        ["report", "\(directory)/a", "\(directory)/b", "--svg", folder])
      #expect(report.succeeded, "\(report.transcript)")
      for name in [
        "loss", "gradient-norm", "learning-rate", "throughput", "clip-coefficient",
        "metric-accuracy", "roc",
      ] {
        let svg = try Self.text("\(folder)/\(name).svg")
        #expect(
          svg.hasPrefix("<svg") && svg.contains(name == "metric-accuracy" ? "<circle" : "<polyline")
        )
      }
    }
  }

  @Test func badRequestsAreRefused() throws {
    try withDirectory { directory in
      try Self.train("digits-mlp", "\(directory)/run", Self.small)
      for (arguments, message) in [
        (["report", "\(directory)/run", "--html", "x.txt"], "must end in '.html'"),
        (["report", "\(directory)/run", "--html", "\(directory)/no/x.html"], "there is no folder"),
        (["report", "\(directory)/none", "--html", "\(directory)/x.html"], "none"),
        (["watch", "\(directory)/none"], "is no run directory"),
        (["watch", directory, "--once"], "holds no run"),
        (["watch", "\(directory)/run", "--every", "0"], "'--every' must be"),
      ] {
        let wrong = try Lockstep.run(arguments)
        #expect(
          wrong.ending == .exited(2) && wrong.errorOutput.contains(message), "\(wrong.transcript)")
      }
      // A damaged record names its file.
      _ = try AtomicFile.write("\(directory)/run/evaluation.json", text: "{\"part\":")
      let damaged = try Lockstep.run(["report", "\(directory)/run"])
      #expect(damaged.ending == .exited(2) && damaged.errorOutput.contains("evaluation.json"))
    }
  }

  // MARK: Terminals

  /// Runs a command on a terminal of a size; util-linux's `script` makes one.
  private static func onTerminal(
    _ command: String, columns: Int = 100, lines: Int = 30, environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    let program = try MPIRunner.builtExecutable("lockstep")
    return try MPIRunner.runAlone(
      "/usr/bin/script",
      [
        "-qefc",
        "stty columns \(columns) rows \(lines); "
          + command.replacing("lockstep ", with: "\(program) "), "/dev/null",
      ],
      environment: ["LC_ALL": "C.UTF-8", "TERM": "xterm", "OMPI_COMM_WORLD_RANK": nil].merging(
        environment
      ) { $1 }, deadline: .seconds(60))
  }

  private static let hasTerminals = access("/usr/bin/script", X_OK) == 0

  @Test(.enabled(if: hasTerminals)) func aTerminalShowsABar() throws {
    try withDirectory { directory in
      let command =
        "lockstep train \(Lockstep.example("digits-mlp")) --set steps=400 --run-directory "
      for columns in [100, 40] {
        let result = try Self.onTerminal(
          command + "\(directory)/\(columns)", columns: columns)
        #expect(result.succeeded, "\(result.transcript)")
        let bars = result.output.split(separator: "\r").filter {
          $0.contains("█") || $0.contains("░")
        }
        #expect(!bars.isEmpty, "\(result.output)")
        for bar in bars {
          let text = bar.drop { $0 != "e" }
          #expect(text.prefix { $0 != "\u{1B}" && $0 != "\n" }.count < columns, "\(bar)")
        }
      }
      let dumb = try Self.onTerminal(
        command + "\(directory)/dumb", environment: ["TERM": "dumb"])
      #expect(dumb.succeeded && !dumb.output.contains("\u{1B}["), "\(dumb.transcript)")
    }
  }

  @Test(.enabled(if: hasTerminals)) func watchDrawsARunAndEndsWithIt() throws {
    try withDirectory { directory in
      try Self.train("digits-mlp", "\(directory)/run", Self.small)
      let drawn = try Self.onTerminal("lockstep watch \(directory)/run")
      #expect(drawn.succeeded, "\(drawn.transcript)")
      // The other screen, and back to this one.
      #expect(drawn.output.contains("\u{1B}[?1049h") && drawn.output.contains("\u{1B}[?1049l"))
      for part in ["gradient norm", "100 %", "done", "loss"] {
        #expect(drawn.output.contains(part), "\(drawn.output)")
      }
      let once = try Lockstep.run(["watch", "\(directory)/run", "--once"])
      #expect(once.lines.first?.hasPrefix("run: done, step 25/25, loss ") == true, "\(once.output)")
      let plain = try Lockstep.run(["watch", "\(directory)/run"])
      #expect(plain.succeeded && plain.output == once.output)
    }
  }

  // MARK: TensorBoard

  /// A run writes events, each process a file; no bit of the run depends on it.
  @Test func eventsAreWritten() throws {
    try withDirectory { directory in
      var fingerprints: Set<String> = []
      for (name, ranks, isOn) in [("off", 1, false), ("one", 1, true), ("two", 2, true)] {
        let result = try Lockstep.run(
          [
            "train", Lockstep.example("digits-mlp"), "--run-directory", "\(directory)/\(name)",
            "--set", "log.tensorBoard=\(isOn)",
          ] + Self.small, ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        fingerprints.insert(try #require(result.fingerprint))
      }
      #expect(fingerprints.count == 1)
      #expect(FileKind("\(directory)/off/tensorboard") == .missing)
      for name in ["one", "two"] {
        let files = try SystemFileSystem().list("\(directory)/\(name)/tensorboard")
        #expect(files.count == 1 && files[0].hasPrefix("events.out.tfevents."))
      }
      let export = try Lockstep.run([
        "report", "\(directory)/one", "--tensorboard", "\(directory)/events",
      ])
      #expect(export.succeeded, "\(export.transcript)")
      #expect(try SystemFileSystem().list("\(directory)/events/one").count == 1)
    }
  }
}
