import LockstepFiles
import LockstepLayers
import LockstepReports
import LockstepTesting
import Testing

/// Metrics of whole evaluations, balanced weights and sampling, as the program computes them.
@Suite struct MetricTests {
  /// A table of 300 rows, of which a tenth is `fraud`.
  private static let table: String = {
    var text = "amount,hour,kind\n"
    for row in 0..<300 {
      let isFraud = row % 10 == 3
      let noise = (row * 7919) % 101
      text += "\(isFraud ? 40 + noise : noise),\((row * 31) % 24),\(isFraud ? "fraud" : "fine")\n"
    }
    return text
  }()

  private static let settings = """
    {"data": {"type": "csv", "file": "t.csv", "target": "kind", "testFraction": 0.3,
              "sampling": "balanced"},
     "model": {"type": "mlp", "sizes": [6, 2]},
     "loss": {"type": "softmaxCrossEntropy", "classWeights": "balanced"},
     "metrics": [{"type": "f1", "average": "binary", "positive": "fraud"}, "auroc", "logLoss",
                 "averagePrecision", "confusionMatrix"],
     "batchSize": 16, "shards": 8, "epochs": 3, "optimizer": {"type": "adam", "learningRate": 0.01},
     "evaluate": {"scoreMetric": "auroc"}}
    """

  private func write(_ directory: String) throws -> String {
    try AtomicFile.write("\(directory)/t.csv", text: Self.table)
    try AtomicFile.write("\(directory)/c.json", text: Self.settings)
    return "\(directory)/c.json"
  }

  private func evaluations(_ run: String) throws -> [String] {
    try jsonLines("\(run)/evaluations.jsonl").map(\.compactText)
  }

  /// Weights, draws and metrics have the same bits on any number of ranks, and after a stop in an epoch.
  @Test func bitsDoNotDependOnTheRanks() throws {
    try withDirectory { directory in
      let file = try write(directory)
      var found: [(String?, [String])] = []
      for ranks in [1, 2, 3, 5] {
        let run = "\(directory)/\(ranks)"
        let result = try Lockstep.run(["train", file, "--run-directory", run], ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        found.append((result.fingerprint, try evaluations(run)))
      }
      #expect(found[0].0 != nil && found[0].1.count == 3)
      for other in found.dropFirst() {
        #expect(other.0 == found[0].0)
        #expect(other.1 == found[0].1)
      }
      let part = "\(directory)/part"
      let stopped = try Lockstep.run(
        ["train", file, "--run-directory", part, "--set", "steps=17"], ranks: 2)
      #expect(stopped.succeeded)
      let resumed = try Lockstep.run(
        ["train", file, "--run-directory", part, "--resume"], ranks: 3)
      #expect(resumed.fingerprint == found[0].0, "\(resumed.transcript)")
    }
  }

  @Test func evaluateShowsThem() throws {
    try withDirectory { directory in
      let file = try write(directory)
      let run = "\(directory)/run"
      let trained = try Lockstep.run(["train", file, "--run-directory", run], ranks: 2)
      #expect(trained.succeeded && trained.output.contains(", auroc 0."), "\(trained.transcript)")
      // The weights of the loss are the training part's, whatever is evaluated.
      let logged = try #require(try jsonLines("\(run)/evaluations.jsonl").last)
      for (arguments, ranks) in [
        (["--checkpoint", "last"], 1), (["--checkpoint", "last"], 3),
        (["--checkpoint", "last", "--set", "evaluate.batchSize=7"], 2),
      ] {
        let result = try Lockstep.run(["evaluate", run, "--json"] + arguments, ranks: ranks)
        #expect(result.succeeded, "\(result.transcript)")
        let value = try JSONValue.parse(result.lines.first { $0.hasPrefix("{") } ?? "")
        for key in ["auroc", "averagePrecision", "f1", "logLoss", "accuracy"] {
          let (one, other) = (value[key]?.doubleValue ?? -1, logged[key]?.doubleValue ?? -2)
          // Batches of another size round outputs otherwise.
          #expect(abs(one - other) <= (arguments.count > 2 ? 1e-6 : 0), "\(key): \(one), \(other)")
        }
        #expect(value["confusionMatrix"] == logged["confusionMatrix"])
      }
      let text = try Lockstep.run(["evaluate", run, "--classes"], ranks: 2)
      #expect(text.output.contains("confusionMatrix (rows: labels, columns: predictions):"))
      #expect(text.output.contains("precision"), "\(text.transcript)")
      let lines = text.lines.map { $0.split(separator: " ").map(String.init) }
      #expect(
        lines.contains(["fine", "fraud"]) && lines.contains { $0.first == "fraud" && $0.count == 3 }
      )
      let best = try Lockstep.run(["evaluate", run, "--checkpoint", "best", "--json"])
      #expect(best.succeeded, "\(best.transcript)")
    }
  }

  /// Reports know metrics by their names alone.
  @Test func namesSayWhatIsAnError() throws {
    for entry in MetricCatalog.catalog.entries {
      let metric = try MetricCatalog.catalog.make(entry.name)
      #expect(MetricDirection.isError(metric.name) == (metric is any ErrorMetric), "\(metric.name)")
    }
  }

  /// What cannot be computed ends a run before its first step.
  @Test func whatCannotBeComputedIsRefusedAtTheStart() throws {
    try withDirectory { directory in
      let file = try write(directory)
      for (set, message) in [
        ("metrics=rSquared", "rSquared: expects"),
        (
          "metrics=rootMeanSquaredError",
          "is of numbers, and the loss softmaxCrossEntropy is of classes"
        ),
        (
          #"metrics=[{"type": "f1", "average": "binary", "positive": "frod"}]"#,
          "did you mean 'fraud'?"
        ),
        ("metrics=perplexity", "the metric 'perplexity' is e^loss"),
        (#"loss={"classWeights": {"froud": 2}}"#, "did you mean 'fraud'?"),
        (#"loss={"classWeights": [1, 2, 3]}"#, "expects a weight for each of 2 classes"),
        (#"loss={"classWeights": "balance"}"#, "loss.classWeights"),
        (#"data.sampling={"type": "weighted", "classWeights": [1]}"#, "has 1 weights"),
        (#"data.sampling={"type": "weighted", "classWeights": [0, 0]}"#, "all weights are 0"),
        ("data.shuffle=false", "'sampling' draws examples at random"),
        (#"data.groupBy="hours""#, "hours"),
        (#"data.orderBy="kind""#, "is no time"),
      ] {
        let result = try Lockstep.run(["train", file, "--run-directory", "none", "--set", set])
        #expect(result.ending == .exited(2), "\(set): \(result.transcript)")
        #expect(result.errorOutput.contains(message), "\(set): \(result.transcript)")
      }
      // A test part without one of the classes.
      let fine = Self.table.split(separator: "\n").filter { !$0.hasSuffix("fraud") }
      try AtomicFile.write("\(directory)/fine.csv", text: fine.joined(separator: "\n") + "\n")
      let result = try Lockstep.run([
        "train", file, "--run-directory", "none", "--set", "data.testFraction=null", "--set",
        "data.testFile=\(directory)/fine.csv",
      ])
      #expect(result.ending == .exited(2))
      #expect(
        result.errorOutput.contains("no example is of the class 'fraud' among the 270"),
        "\(result.transcript)")
    }
  }
}
