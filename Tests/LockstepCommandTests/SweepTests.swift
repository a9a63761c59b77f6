import LockstepFiles
import LockstepTesting
import Testing

/// Sweeps run each point as `train` runs it, and say what became of it.
@Suite struct SweepTests {
  /// A small table, two classes; training is a matter of milliseconds.
  static let small = """
    {"data": {"type": "blobs", "examples": 200, "testFraction": 0.2, "deviation": 2},
     "model": {"type": "mlp", "sizes": [6, 2]}, "batchSize": 32, "shards": 4, "epochs": 2,
     "optimizer": {"type": "sgd", "learningRate": 0.1}}
    """

  static func sweep(
    _ directory: String, _ arguments: [String], ranks: Int = 1
  ) throws -> (rows: [JSONValue], result: ProgramResult) {
    let file = "\(directory)/small.json"
    try AtomicFile.write(file, text: small)
    let result = try Lockstep.run(["sweep", file, "--json"] + arguments, ranks: ranks)
    let rows = try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
    return (rows, result)
  }

  /// What a run of the same configuration logs at its end.
  static func train(
    _ directory: String, _ arguments: [String]
  ) throws -> (loss: JSONValue?, evaluations: [JSONValue]) {
    let file = "\(directory)/small.json"
    let run = "\(directory)/run"
    let result = try Lockstep.run(["train", file, "--run-directory", run] + arguments)
    #expect(result.succeeded, "\(result.transcript)")
    return (
      try jsonLines("\(run)/metrics.jsonl").last?["loss"], try jsonLines("\(run)/evaluations.jsonl")
    )
  }

  /// A point starts from the weights that a run starts from, and ends where a run ends.
  @Test func initialWeightsAreLoaded() throws {
    try withDirectory { directory in
      let plain = try Self.sweep(directory, ["--vary", "seed=1"])
      #expect(plain.rows.count == 1, "\(plain.result.transcript)")
      let first = try Lockstep.run([
        "train", "\(directory)/small.json", "--set", "seed=9", "--run-directory",
        "\(directory)/first",
      ])
      #expect(first.succeeded, "\(first.transcript)")
      let given = ["--initial-weights", "\(directory)/first"]
      let expected = try Self.train(directory, given)
      for ranks in [1, 2] {
        let sweep = try Self.sweep(directory, ["--vary", "seed=1"] + given, ranks: ranks)
        try #require(sweep.rows.count == 1, "\(sweep.result.transcript)")
        #expect(sweep.rows[0]["trainingLoss"] == expected.loss)
        #expect(sweep.rows[0]["testLoss"] == expected.evaluations.last?["loss"])
        #expect(sweep.rows[0]["trainingLoss"] != plain.rows[0]["trainingLoss"])
        // As a key of the configuration.
        let key = "initialWeights.file=\(directory)/first/weights.safetensors"
        let set = try Self.sweep(directory, ["--vary", "seed=1", "--set", key], ranks: ranks)
        #expect(set.rows == sweep.rows, "\(set.result.transcript)")
      }
      let missing = try Self.sweep(
        directory, ["--vary", "seed=1", "--set", "initialWeights.file=\(directory)/nothing"],
        ranks: 2)
      #expect(missing.result.ending == .exited(2), "\(missing.result.transcript)")
      #expect(missing.result.complaints.first?.contains("\(directory)/nothing") == true)
    }
  }

  /// Runs that are not among the best end early, the same ones on any number of ranks; a whole run is the run
  /// that it is without the rule.
  @Test func halvingEndsTheWorse() throws {
    try withDirectory { directory in
      let vary = [
        "--vary", "optimizer.learningRate=0.1,0.00001,0.3,0.0001", "--set", "epochs=9",
      ]
      let whole = try Self.sweep(directory, vary).rows
      let halved = try Self.sweep(directory, vary + ["--halving", "3"])
      try #require(halved.rows.count == 4, "\(halved.result.transcript)")
      #expect(halved.rows[0] == whole[0])
      // 45 steps, judged behind 2, 5 and 15: the evaluation at 5 tells, and the next step is the last one.
      for index in [1, 3] {
        let stopped = try #require(halved.rows[index]["stoppedAt"]?.integerValue)
        #expect(stopped < 20)
      }
      #expect(halved.rows[0]["stoppedAt"] == nil)
      #expect(try Self.sweep(directory, vary + ["--halving", "3"], ranks: 3).rows == halved.rows)
      let refused = try Self.sweep(directory, vary + ["--halving", "1"])
      #expect(refused.result.ending == .exited(2))
      #expect(refused.result.complaints.first?.contains("at least 2") == true)
    }
  }

  /// Data that the seed draws are each point's own.
  @Test func seedsDrawTheirOwnData() throws {
    try withDirectory { directory in
      let rows = try Self.sweep(directory, ["--vary", "seed=1,2"]).rows
      let two = try Self.train(directory, ["--set", "seed=2"])
      try #require(rows.count == 2)
      #expect(rows[1]["trainingLoss"] == two.loss)
    }
  }

  /// A point's values count before anything is checked, and all points are checked before one trains.
  @Test func pointsAreCheckedBeforeTheFirstTrains() throws {
    try withDirectory { directory in
      let folds = try Self.sweep(
        directory,
        [
          "--set", "data.testFraction=null", "--set", "data.folds=3", "--vary", "data.fold=0,1,2",
        ], ranks: 2)
      #expect(folds.result.succeeded, "\(folds.result.transcript)")
      #expect(folds.rows.map { $0.objectValue?["data.fold"] } == [0, 1, 2])
      #expect(Set(folds.rows.compactMap { $0["testLoss"]?.doubleValue }).count == 3)
      for (axis, point) in [
        ("model.sizes=[6,2],[6,1]", "model.sizes=[6,1]: "),
        ("initialWeights=\(directory)/run,/nowhere", "initialWeights=/nowhere: "),
      ] {
        if point.hasPrefix("initial") { _ = try Self.train(directory, []) }
        for ranks in [1, 2] {
          let sweep = try Self.sweep(directory, ["--vary", axis], ranks: ranks)
          #expect(sweep.result.ending == .exited(2), "\(sweep.result.transcript)")
          #expect(sweep.rows.isEmpty && sweep.result.complaints.count == 1)
          #expect(
            sweep.result.complaints.first?.hasPrefix("lockstep: \(point)") == true,
            "\(sweep.result.transcript)")
        }
      }
      // Numbers have the digits that they need.
      let rates = try Lockstep.run([
        "sweep", "\(directory)/small.json", "--vary", "optimizer.learningRate=1e-6,0.015625,1e6",
        "--set", "steps=1",
      ])
      #expect(
        rates.lines.compactMap { $0.split(separator: ":").first }.prefix(3) == [
          "optimizer.learningRate=1e-6", "optimizer.learningRate=0.015625",
          "optimizer.learningRate=1e6",
        ], "\(rates.transcript)")
    }
  }

  @Test func theTestIsOfTheWeightsAndTheAverageBeside() throws {
    try withDirectory { directory in
      let average = ["--set", "average.decay=0.99"]
      let rows = try Self.sweep(directory, ["--vary", "seed=1"] + average).rows
      let evaluations = try Self.train(directory, average).evaluations
      func last(_ name: String) -> JSONValue? {
        evaluations.last { $0["evaluation"] == .string(name) }?["loss"]
      }
      try #require(rows.count == 1 && last("test") != last("average"))
      #expect(rows[0]["testLoss"] == last("test"))
      #expect(rows[0]["average.loss"] == last("average"))
      let report = try Lockstep.run(["report", "\(directory)/run"])
      let lines = report.lines.filter { $0.contains("last evaluation") }
      #expect(lines.count == 2, "\(report.transcript)")
      #expect(lines.last?.contains("average") == true && lines.first?.contains("average") == false)
    }
  }

  /// However a point diverges, in the middle, at its last update or by too many skipped steps, the
  /// sweep goes on.
  @Test(arguments: [
    ["steps=3"], ["steps=1"], ["steps=5", "nonFinite={\"policy\": \"skip\", \"limit\": 2}"],
  ])
  func pointsMayDiverge(_ settings: [String]) throws {
    try withDirectory { directory in
      for ranks in [1, 2] {
        let sweep = try Self.sweep(
          directory,
          ["--vary", "optimizer.learningRate=0.1,1e39,0.01"] + settings.flatMap { ["--set", $0] },
          ranks: ranks)
        #expect(sweep.result.succeeded, "\(sweep.result.transcript)")
        #expect(sweep.rows.map { $0["diverged"] } == [false, true, false])
        #expect(sweep.rows.last?["testLoss"]?.doubleValue != nil)
      }
    }
  }
}
