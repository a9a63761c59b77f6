import LockstepFiles
import LockstepTesting
import Testing

/// `lockstep cross-validate`: every fold once, and the means over them.
@Suite struct CrossValidationTests {
  private func write(
    _ directory: String, _ rows: String, _ settings: String
  ) throws -> String {
    try AtomicFile.write("\(directory)/t.csv", text: rows)
    try AtomicFile.write("\(directory)/c.json", text: settings)
    return "\(directory)/c.json"
  }

  private static let regression = """
    {"data": {"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values"},
     "model": {"type": "mlp", "sizes": [1]}, "loss": {"type": "meanSquaredError"},
     "batchSize": 4, "epochs": 2, "optimizer": {"type": "adam", "learningRate": 0.1}}
    """

  /// The same lines on any number of ranks; each fold's line is what `evaluate` says of its run.
  @Test func foldsAreRunsOnAnyNumberOfRanks() throws {
    try withDirectory { directory in
      let file = try write(
        directory, "a,t\n" + (0..<40).map { "\($0),\(2 * $0 % 7)\n" }.joined(), Self.regression)
      let arguments = ["cross-validate", file, "--folds", "3", "--set", "shards=4", "--json"]
      let one = try Lockstep.run(arguments + ["--run-directory", "\(directory)/runs"])
      #expect(one.succeeded, "\(one.transcript)")
      let lines = one.lines.filter { $0.hasPrefix("{") }
      try #require(lines.count == 4, "\(one.transcript)")
      let three = try Lockstep.run(arguments, ranks: 3)
      #expect(three.lines.filter { $0.hasPrefix("{") } == lines, "\(three.transcript)")
      var losses: [Double] = []
      for fold in 0..<3 {
        let value = try JSONValue.parse(lines[fold])
        let evaluated = try Lockstep.run(
          ["evaluate", "\(directory)/runs/fold-\(fold)", "--json", "--set", "metrics=rSquared"])
        let expected = try JSONValue.parse(evaluated.lines.first { $0.hasPrefix("{") } ?? "")
        for key in ["loss", "rSquared", "examples"] {
          #expect(value[key] == expected[key], "\(lines[fold]) \(evaluated.transcript)")
        }
        losses.append(try #require(value["loss"]?.doubleValue))
      }
      let summary = try JSONValue.parse(lines[3])
      let mean = losses.reduce(0, +) / 3
      let deviation = (losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
      #expect(summary["mean.loss"]?.doubleValue == mean)
      #expect(abs((summary["deviation.loss"]?.doubleValue ?? 0) - deviation) < 1e-12)
      // Runs that are done are done.
      let again = try Lockstep.run(
        arguments + ["--run-directory", "\(directory)/runs", "--resume"], ranks: 2)
      #expect(again.lines.filter { $0.hasPrefix("{") } == lines, "\(again.transcript)")
    }
  }

  /// The mean of a quantity is that of the folds that have it.
  @Test func theFoldsOfEachQuantityAreCounted() throws {
    try withDirectory { directory in
      let file = try write(directory, "a,t\n0,1\n1,1\n2,2\n3,2\n4,5\n", Self.regression)
      let result = try Lockstep.run(["cross-validate", file, "--folds", "3"])
      #expect(result.succeeded, "\(result.transcript)")
      let folds = result.lines.filter { $0.hasPrefix("fold ") && $0.contains(", rSquared ") }
      try #require(folds.count == 1, "\(result.transcript)")
      let last = result.lines.last { !$0.isEmpty } ?? ""
      #expect(
        last.hasPrefix("mean loss ") && last.contains(", rootMeanSquaredError ")
          && last.contains(" (of 1 of 3 folds)") && last.hasSuffix(" over 3 folds"),
        "\(result.transcript)")
      // Folds by default, of one example each.
      let five = try Lockstep.run(["cross-validate", file, "--set", "epochs=1"])
      #expect(five.lines.count { $0.hasPrefix("fold ") } == 5, "\(five.transcript)")
    }
  }

  @Test func groupsStayTogether() throws {
    try withDirectory { directory in
      let rows = (0..<60).map { "\($0 % 13),\($0 % 2),patient\($0 / 5)\n" }.joined()
      let file = try write(
        directory, "a,t,patient\n" + rows,
        """
        {"data": {"type": "csv", "file": "t.csv", "target": "t", "groupBy": "patient"},
         "model": {"type": "mlp", "sizes": [2]}, "batchSize": 8, "shards": 4,
         "epochs": 1, "optimizer": {"type": "adam"}}
        """)
      let result = try Lockstep.run(["cross-validate", file, "--folds", "4"], ranks: 2)
      #expect(result.succeeded, "\(result.transcript)")
      // 12 patients of 5 rows each.
      let folds = result.lines.filter { $0.hasPrefix("fold ") }
      #expect(folds.count == 4 && folds.allSatisfy { $0.hasSuffix("of 15 examples") })
      let many = try Lockstep.run(["cross-validate", file, "--folds", "13"])
      #expect(many.ending == .exited(2))
      #expect(many.errorOutput.contains("expected 2...12 folds of 12 groups"), "\(many.transcript)")
    }
  }

  @Test func whatNoFoldCanDoIsRefusedBeforeTheFirst() throws {
    try withDirectory { directory in
      let file = try write(directory, "a,t\n0,1\n1,1\n2,2\n3,2\n4,5\n", Self.regression)
      for (arguments, message) in [
        (["--folds", "x"], "'--folds' must be a whole number of at least 2; found 'x'"),
        (["--folds", "1"], "'--folds' must be a whole number of at least 2; found '1'"),
        (
          ["--folds", "400"],
          "cannot be cut: expected 2...5 folds of 5 examples, found 400; change 'data.folds'"
        ),
        (
          ["--folds", "1000000"],
          "cannot be cut: expected 2...5 folds of 5 examples, found 1000000; change 'data.folds'"
        ),
        (
          ["--set", "data.testFile=\(directory)/t.csv"],
          "cuts a test part, and the data comes with one"
        ),
        (["--set", "epoch=3"], "unknown key 'epoch'; did you mean 'epochs'?"),
        (["--set", "metrics=f1"], "the metric 'macroF1' is of classes"),
        (["--resume"], "'--resume' needs '--run-directory DIR'"),
      ] {
        let result = try Lockstep.run(["cross-validate", file] + arguments)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.errorOutput.contains(message), "\(result.transcript)")
        #expect(result.output.isEmpty)
      }
    }
  }
}
