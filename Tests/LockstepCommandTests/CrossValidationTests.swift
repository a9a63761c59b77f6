import LockstepFiles
import LockstepTesting
import Testing

/// `scripts/cross-validate.sh`: every fold once, and the means over them.
@Suite struct CrossValidationTests {
  @Test func crossValidationSumsUpWhatWasMeasured() throws {
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/t.csv", text: "a,t\n" + (0..<40).map { "\($0),\(2 * $0)\n" }.joined())
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values"},
           "model": {"type": "mlp", "sizes": [1]}, "loss": {"type": "meanSquaredError"},
           "batchSize": 8, "epochs": 20, "optimizer": {"type": "adam", "learningRate": 1}}
          """)
      let script = String(Lockstep.example("x").dropLast("Examples/x.json".count))
      let result = try MPIRunner.runAlone(
        "/bin/bash", ["\(script)scripts/cross-validate.sh", "\(directory)/c.json", "3"],
        environment: ["LOCKSTEP": try MPIRunner.builtExecutable("lockstep")],
        deadline: .seconds(90))
      #expect(result.succeeded, "\(result.transcript)")
      let last = result.lines.last { !$0.isEmpty } ?? ""
      #expect(
        last.hasPrefix("mean loss ") && last.contains(", RMSE ") && last.contains(", R² ")
          && last.hasSuffix(" over 3 folds"), "\(result.transcript)")
      #expect(!result.output.contains("accuracy"))
    }
  }

  /// Runs the script on five examples, of which one fold alone has targets that differ.
  private func crossValidate(
    _ directory: String, _ arguments: [String]
  ) throws -> ProgramResult {
    try AtomicFile.write("\(directory)/t.csv", text: "a,t\n0,1\n1,1\n2,2\n3,2\n4,5\n")
    try AtomicFile.write(
      "\(directory)/c.json",
      text: """
        {"data": {"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values"},
         "model": {"type": "mlp", "sizes": [1]}, "loss": {"type": "meanSquaredError"},
         "batchSize": 4, "epochs": 2, "optimizer": {"type": "adam", "learningRate": 0.1}}
        """)
    let root = String(Lockstep.example("x").dropLast("Examples/x.json".count))
    return try MPIRunner.runAlone(
      "/bin/bash", ["\(root)scripts/cross-validate.sh", "\(directory)/c.json"] + arguments,
      environment: ["LOCKSTEP": try MPIRunner.builtExecutable("lockstep")], deadline: .seconds(90))
  }

  /// The mean of a quantity is that of the folds that have it, with as many digits as theirs.
  @Test func crossValidationCountsTheFoldsOfEachQuantity() throws {
    try withDirectory { directory in
      let result = try crossValidate(directory, ["3"])
      #expect(result.succeeded, "\(result.transcript)")
      let folds = result.lines.filter { $0.hasPrefix("fold ") && $0.contains(", R² ") }
      try #require(folds.count == 1, "\(result.transcript)")
      let fold = folds[0].split(separator: ", ").first { $0.hasPrefix("R² ") } ?? ""
      let last = result.lines.last { !$0.isEmpty } ?? ""
      #expect(last.hasSuffix(", \(fold) (of 1 of 3 folds) over 3 folds"), "\(result.transcript)")
      // Folds by default, of one example each.
      let five = try crossValidate(directory, ["--set", "epochs=1"])
      #expect(five.succeeded, "\(five.transcript)")
      let mean = five.lines.last { !$0.isEmpty } ?? ""
      #expect(five.lines.count { $0.hasPrefix("fold ") } == 5)
      #expect(mean.hasPrefix("mean loss ") && mean.contains(", RMSE "), "\(mean)")
      #expect(mean.hasSuffix(" over 5 folds") && !mean.contains(" of "), "\(mean)")
    }
  }

  @Test func crossValidationRefusesBeforeTheFirstFold() throws {
    try withDirectory { directory in
      for (arguments, message) in [
        (["x"], "FOLDS must be a whole number of at least 2; found 'x'"),
        (["1"], "FOLDS must be a whole number of at least 2; found '1'"),
        (["400"], "400 folds are too many for 5 examples"),
        (["3", "--set", "data.testFile=\(directory)/t.csv"], "has a test part of its own"),
        (["3", "--set", "epoch=3"], "unknown key 'epoch'; did you mean 'epochs'?"),
      ] {
        let result = try crossValidate(directory, arguments)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.errorOutput.contains(message), "\(result.transcript)")
        #expect(result.output.isEmpty)
      }
    }
  }
}
