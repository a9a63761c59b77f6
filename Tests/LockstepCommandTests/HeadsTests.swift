import LockstepFiles
import LockstepTesting
import Testing

/// Several targets of a table, each with a head and a loss of its own.
@Suite struct HeadsTests {
  private static let heads = """
    [{"target": "kind", "loss": "softmaxCrossEntropy", "metrics": ["f1"]},
     {"target": "mass", "loss": "huber", "weight": 0.5, "standardizeTarget": true,
      "metrics": ["rootMeanSquaredError", "rSquared"]},
     {"target": ["red", "round"], "name": "looks", "loss": "binaryCrossEntropy",
      "model": {"type": "mlp", "sizes": [5, 2]}}]
    """

  private static let configuration = """
    {"data": {"type": "csv", "file": "t.csv", "target": ["kind", "mass", "red", "round"],
              "testFraction": 0.25, "id": "name"},
     "model": {"type": "mlp", "sizes": [12], "finalActivation": true}, "heads": \(heads),
     "batchSize": 32, "shards": 8, "epochs": 25, "evaluate": {"scoreMetric": "kind.macroF1"},
     "optimizer": {"type": "adam", "learningRate": 0.02}}
    """

  private static func table(_ rows: Range<Int>) -> String {
    "name,a,b,kind,mass,red,round\n"
      + rows.map { row in
        let (a, b) = (Double(row * 37 % 101) / 10, Double(row * 53 % 67) / 10)
        let kind = a + b < 6 ? "plum" : a > b ? "pear" : "fig"
        return
          "n\(row),\(a),\(b),\(kind),\(200 + 30 * a - 10 * b),\(a > 5 ? 1 : 0),\(b > 3 ? "yes" : "no")\n"
      }.joined()
  }

  private func with(_ body: (String) throws -> Void) throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/t.csv", text: Self.table(0..<400))
      try AtomicFile.write("\(directory)/c.json", text: Self.configuration)
      try body(directory)
    }
  }

  @Test func headsHaveTheSameBitsOnAnyRanksAndWhenResumed() throws {
    try with { directory in
      func train(_ more: [String], ranks: Int = 1) throws -> ProgramResult {
        try Lockstep.run(
          ["train", "c.json", "--quiet", "--set", "epochs=3"] + more, ranks: ranks,
          directory: directory)
      }
      let one = try train(["--run-directory", "none"])
      let expected = try #require(one.fingerprint, "\(one.transcript)")
      for ranks in [2, 3, 5] {
        let found = try train(["--run-directory", "none"], ranks: ranks)
        #expect(found.fingerprint == expected, "\(found.transcript)")
      }
      #expect(try train(["--run-directory", "r", "--set", "steps=13"], ranks: 2).succeeded)
      let rest = try train(["--run-directory", "r", "--resume", "--set", "steps=null"], ranks: 3)
      #expect(rest.fingerprint == expected, "\(rest.transcript)")
    }
  }

  @Test func everyHeadIsEvaluatedAndPredicts() throws {
    try with { directory in
      let trained = try Lockstep.run(
        ["train", "c.json", "--run-directory", "run", "--quiet"], ranks: 2, directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      let evaluated = try Lockstep.run(
        ["evaluate", "run", "--json", "--classes"], ranks: 2, directory: directory)
      #expect(evaluated.succeeded, "\(evaluated.transcript)")
      let line = try #require(evaluated.lines.first { $0.hasPrefix("{") })
      let report = try JSONValue.parse(line)
      func value(_ name: String) throws -> Double {
        try #require(report.objectValue?[name]?.doubleValue, "\(name) in \(line)")
      }
      #expect(try value("kind.accuracy") > 0.8 && value("kind.macroF1") > 0.7)
      #expect(try value("mass.rSquared") > 0.9 && value("looks.accuracy") > 0.8)
      // In grams, not in deviations.
      #expect(try value("mass.rootMeanSquaredError") > 1.5)
      let sum = try value("kind.loss") + 0.5 * value("mass.loss") + value("looks.loss")
      #expect(try abs(value("loss") - sum) < 1e-6)
      let names = Set((report.objectValue?.members ?? []).map(\.key))
      #expect(names.contains("kind.confusionMatrix") && !names.contains("mass.confusionMatrix"))
      let answers = try Lockstep.run(["predict", "run"], ranks: 3, directory: directory)
      let rows = try answers.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      try #require(rows.count == 100, "\(answers.transcript)")
      #expect(rows[0]["id"]?.stringValue?.hasPrefix("n") == true)
      let right = rows.count { $0["kind"]?["class"] == $0["kind"]?["label"] }
      #expect(try abs(Double(right) / 100 - value("kind.accuracy")) < 1e-9)
      var squares = 0.0
      for row in rows {
        let (mass, label) = (
          try #require(row["mass"]?["prediction"]?.doubleValue),
          try #require(row["mass"]?["label"]?.doubleValue)
        )
        squares += (mass - label) * (mass - label)
      }
      #expect(
        try abs((squares / 100).squareRoot() / value("mass.rootMeanSquaredError") - 1) < 1e-4)
      #expect(rows[0]["looks"]?["probabilities"]?["round"] != nil)
      // Rows without targets, as a table.
      try AtomicFile.write("\(directory)/new.csv", text: "b,a\n1,2\n6,1\n")
      let table = try Lockstep.run(
        ["predict", "run", "--input", "new.csv", "--format", "csv"], directory: directory)
      let header = table.lines.first { $0.hasPrefix("row,") } ?? ""
      for name in [
        "kind_class", "kind_probability_plum", "mass_prediction", "looks_probability_red",
      ] {
        #expect(header.split(separator: ",").contains(Substring(name)), "\(table.transcript)")
      }
      let array = try Lockstep.run(
        ["predict", "run", "--output", "p.npy"], directory: directory)
      #expect(array.errorOutput.contains("the model has several heads"), "\(array.transcript)")
      let best = try Lockstep.run(
        ["export", "run", "--onnx", "m.onnx"], directory: directory)
      #expect(
        best.output.contains("kind [batch, 3], mass [batch, 1], looks [batch, 2]"),
        "\(best.transcript)")
      let folds = try Lockstep.run(
        [
          "cross-validate", "c.json", "--folds", "3", "--set", "data.testFraction=null", "--set",
          "steps=5",
        ],
        directory: directory)
      #expect(folds.output.contains("mass.rSquared"), "\(folds.transcript)")
    }
  }

  /// The first steps of a perceptron with two heads are PyTorch's (`scripts/reference/heads.py`).
  @Test func stepsAreThoseOfPyTorch() throws {
    let data =
      Lockstep.example("x").dropLast("Examples/x.json".count) + "Tests/LockstepTestSupport/Data"
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "\(data)/heads.csv", "target": ["kind", "mass"],
                    "standardize": false, "shuffle": false},
           "model": {"type": "mlp", "sizes": [8], "activation": "tanh", "finalActivation": true},
           "heads": [{"target": "kind"}, {"target": "mass", "loss": "huber", "weight": 0.5}],
           "batchSize": 20, "shards": 4, "epochs": 3,
           "optimizer": {"type": "sgd", "learningRate": 0.2, "momentum": 0.9}}
          """)
      let trained = try Lockstep.run(
        [
          "train", "c.json", "--run-directory", "run", "--initial-weights",
          "\(data)/heads.safetensors",
        ], ranks: 3, directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      let reference = try JSONValue.parse(FileInput.contents(of: "\(data)/heads.json"))
      let expected = try #require(reference["losses"]?.arrayValue)
      let found = try jsonLines("\(directory)/run/metrics.jsonl")
      try #require(found.count == expected.count)
      for (line, values) in zip(found, expected) {
        for (name, value) in zip(["loss", "kind.loss", "mass.loss"], values.arrayValue ?? []) {
          let (own, want) = (line.objectValue?[name]?.doubleValue ?? .nan, value.doubleValue ?? 0)
          #expect(abs(own - want) < 2e-6 * max(1, abs(want)), "\(name): \(own), not \(want)")
        }
      }
    }
  }

  @Test(arguments: ["row", "id", "input", "heads.0.weight"])
  func namesThatMeanOtherThingsAreRefused(_ name: String) throws {
    try with { directory in
      try AtomicFile.write(
        "\(directory)/c.json",
        text: Self.configuration.replacing(#""name": "looks""#, with: #""name": "\#(name)""#))
      let result = try Lockstep.run(
        ["train", "c.json", "--run-directory", "none"], directory: directory)
      #expect(result.ending == .exited(2), "\(result.transcript)")
      #expect(result.errorOutput.contains("is '\(name)'"), "\(result.transcript)")
    }
  }

  @Test func headsThatMakeNoSenseAreNamed() throws {
    try with { directory in
      func refusal(_ settings: String...) throws -> String {
        let result = try Lockstep.run(
          ["train", "c.json", "--run-directory", "none"] + settings.flatMap { ["--set", $0] },
          directory: directory)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        return result.complaints.first ?? result.transcript
      }
      #expect(try refusal("loss=huber").contains("'loss' stands beside 'heads'"))
      #expect(try refusal(#"metrics=["accuracy"]"#).contains("'metrics' stands beside 'heads'"))
      #expect(
        try refusal(#"data.target=["kind", "mass", "red"]"#).contains("does not name 'round'"))
      #expect(
        try refusal(#"data.target=["kind", "mass", "red", "round", "a"]"#).contains(
          "names 'a', which none of the 'heads' predicts"))
      #expect(
        try refusal("data.targetKind=values").contains(
          "follows from the loss of each of the 'heads'"))
      #expect(
        try refusal(
          #"heads=[{"target": ["kind", "mass", "red", "round"]}]"#
        ).contains("is of one class"))
      #expect(
        try refusal(
          #"heads=[{"target": "kind", "loss": {"type": "softmaxCrossEntropy", "classWeights": "balanced"}}]"#
        ).contains("has weights of classes"))
      #expect(
        try refusal(#"data={"type": "mnist-5k"}"#).contains(
          "'data.type' is 'mnist-5k', whose examples have one target"))
      #expect(
        try refusal("evaluate.scoreMetric=kind.acuracy").contains("did you mean 'kind.accuracy'?"))
      let alone = try Lockstep.run(
        [
          "train", "c.json", "--run-directory", "none", "--set", "heads=null", "--set",
          "evaluate={}",
        ],
        directory: directory)
      #expect(
        alone.errorOutput.contains("or give each a loss of its own by 'heads'"),
        "\(alone.transcript)")
    }
  }
}
