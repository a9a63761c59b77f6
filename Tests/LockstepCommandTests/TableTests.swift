import LockstepFiles
import LockstepTesting
import Testing

/// Tables of categories, gaps and dates, from the file to predictions.
@Suite struct TableTests {
  private func fingerprints(
    _ arguments: [String], ranks: [Int], directory: String? = nil
  ) throws -> Set<String> {
    var found: Set<String> = []
    for count in ranks {
      let result = try Lockstep.run(
        ["train"] + arguments + ["--run-directory", "none", "--quiet"], ranks: count,
        directory: directory)
      found.insert(try #require(result.fingerprint, "\(result.transcript)"))
    }
    return found
  }

  @Test(arguments: ["passengers", "rentals"])
  func aTableGivesTheSameBitsOnAnyNumberOfRanks(_ name: String) throws {
    let arguments = [Lockstep.example(name), "--set", "steps=12", "--set", "shards=8"]
    #expect(try fingerprints(arguments, ranks: [1, 2, 3, 5]).count == 1)
  }

  private static let weighted = """
    {"data": {"type": "csv", "file": "t.csv", "target": ["u", "v"], "targetKind": "values",
              "standardizeTarget": true, "weight": "w", "testFraction": 0.2},
     "model": {"type": "mlp", "sizes": [8, 2]}, "loss": "meanSquaredError", "batchSize": 25,
     "shards": 8, "epochs": 2, "optimizer": {"type": "sgd", "learningRate": 0.03}}
    """

  /// Rows of a feature, a category, two targets and a weight.
  private static func rows(_ count: Int, weight: (Int) -> Double) -> String {
    "a,c,u,v,w\n"
      + (0..<count).map { row in
        let a = Double(row * 37 % 100) / 10
        return
          "\(a),\(["x", "y", "z"][row % 3]),\(100 + 7 * a + Double(row % 3)),\(-a / 50),\(weight(row))\n"
      }.joined()
  }

  @Test func weightsGiveTheSameBitsOnAnyNumberOfRanksAndOnlyTheirRatiosCount() throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/c.json", text: Self.weighted)
      func train(_ ranks: [Int], _ weight: (Int) -> Double) throws -> Set<String> {
        try AtomicFile.write("\(directory)/t.csv", text: Self.rows(120, weight: weight))
        return try fingerprints(["c.json"], ranks: ranks, directory: directory)
      }
      let plain = try train([1]) { _ in 1 }
      let uneven = try train([1, 2, 3, 5]) { Double($0 % 4) / 2 }
      #expect(uneven.count == 1)
      #expect(uneven != plain)
      #expect(try train([1]) { 4 * Double($0 % 4) } == uneven)
      #expect(try train([2]) { _ in 4 } == plain)
    }
  }

  @Test func categoriesOfManyLevelsAreLearnedAsVectors() throws {
    try withDirectory { directory in
      // The target is a property of each of 80 towns, which one number does not tell.
      func town(_ row: Int) -> Int { row * 31 % 80 }
      let rows = (0..<640).map { row in
        "town\(town(row)),\(row % 7),\(town(row) * town(row) % 3 == 1 ? "yes" : "no")\n"
      }
      try AtomicFile.write(
        "\(directory)/t.csv", text: "town,a,bought\n" + rows.joined())
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "t.csv", "target": "bought", "testFraction": 0.25,
                    "columns": {"town": "category"}},
           "model": {"type": "mlp", "sizes": [16, 2]}, "loss": "softmaxCrossEntropy", "batchSize": 32,
           "shards": 8, "epochs": 12, "optimizer": {"type": "adam", "learningRate": 0.02},
           "checkpoint": {"everySteps": 20}}
          """)
      #expect(try fingerprints(["c.json"], ranks: [1, 2, 3, 5], directory: directory).count == 1)
      let trained = try Lockstep.run(
        ["train", "c.json", "--run-directory", "run", "--quiet"], ranks: 2, directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      let evaluated = try Lockstep.run(
        ["evaluate", "run", "--json"], ranks: 3, directory: directory)
      let scores = try JSONValue.parse(
        try #require(evaluated.lines.first { $0.hasPrefix("{") }, "\(evaluated.transcript)"))
      #expect(try #require(scores["accuracy"]?.doubleValue) > 0.9)
      let weights = try SafetensorsFile("\(directory)/run/weights.safetensors")
      let table = try #require(weights.tensors.first { $0.name == "embeddings.0.weight" })
      #expect(table.shape == [81, 14])
      try AtomicFile.write("\(directory)/new.csv", text: "a,town\n1,town4\n2,nowhere\n3,\n")
      let answers = try Lockstep.run(
        ["predict", "run", "--input", "new.csv"], ranks: 2, directory: directory)
      #expect(answers.succeeded, "\(answers.transcript)")
      #expect(answers.lines.filter { $0.hasPrefix("{") }.count == 3)
      #expect(answers.transcript.contains("'nowhere'; their vector is 0"))
      let exported = try Lockstep.run(["export", "run", "--onnx", "m.onnx"], directory: directory)
      #expect(
        exported.output.contains("input [batch, 1], category town [batch], output [batch, 2]"),
        "\(exported.transcript)")
    }
  }

  @Test func quantilesAreIntervalsInTheTargetsUnit() throws {
    try withDirectory { directory in
      // t = 1000 + 50 a + noise of -20...20, evenly.
      let rows = (0..<400).map { row in
        "\(row % 20),\(1000 + 50 * (row % 20) + (row * 17 % 41) - 20)\n"
      }
      try AtomicFile.write("\(directory)/t.csv", text: "a,t\n" + rows.joined())
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values",
                    "standardizeTarget": true, "testFraction": 0.25},
           "model": {"type": "mlp", "sizes": [16, 3]}, "batchSize": 20, "shards": 4, "epochs": 60,
           "loss": {"type": "quantile", "levels": [0.1, 0.5, 0.9]},
           "optimizer": {"type": "adam", "learningRate": 0.01, "schedule": {"type": "cosine"}}}
          """)
      let trained = try Lockstep.run(
        ["train", "c.json", "--run-directory", "run", "--quiet"], ranks: 2, directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      let predicted = try Lockstep.run(["predict", "run"], ranks: 2, directory: directory)
      let answers = try predicted.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
      #expect(answers.count == 100, "\(predicted.transcript)")
      var inside = 0
      for answer in answers {
        let label = try #require(answer["label"]?.doubleValue)
        func quantile(_ level: String) throws -> Double {
          try #require(answer["quantiles"]?.objectValue?[level]?.doubleValue)
        }
        let (low, high) = (try quantile("0.1"), try quantile("0.9"))
        #expect(try answer["prediction"]?.doubleValue == quantile("0.5"))
        #expect(low < high && high - low < 100 && abs(label - low) < 100)
        if (low...high).contains(label) { inside += 1 }
      }
      // Four of five, by what was asked for.
      #expect((65...95).contains(inside), "\(inside)")
      let csv = try Lockstep.run(["predict", "run", "--format", "csv"], directory: directory)
      #expect(
        csv.lines.first
          == "row,prediction,quantile_0.1,quantile_0.5,quantile_0.9,label,output_1,output_2,output_3"
      )
    }
  }

  @Test func aRowOfWeightTwoIsTheRowTwice() throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/c.json", text: Self.weighted)
      try AtomicFile.write("\(directory)/t.csv", text: Self.rows(120) { _ in 1 })
      let trained = try Lockstep.run(
        ["train", "c.json", "--run-directory", "run", "--quiet"], directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      func evaluate(_ text: String) throws -> JSONValue {
        try AtomicFile.write("\(directory)/new.csv", text: text)
        let result = try Lockstep.run(
          ["evaluate", "run", "--input", "new.csv", "--json"], ranks: 2, directory: directory)
        #expect(result.succeeded, "\(result.transcript)")
        return try JSONValue.parse(try #require(result.lines.first { $0.hasPrefix("{") }))
      }
      let lines = Self.rows(30) { _ in 1 }.split(separator: "\n")
      let twice =
        lines + lines.dropFirst().enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
      let heavy = try evaluate(Self.rows(30) { $0 % 3 == 0 ? 2 : 1 })
      let double = try evaluate(twice.joined(separator: "\n") + "\n")
      for path in ["loss", "rmse.u", "rmse.v", "r2"] {
        let (one, other) = (
          try #require(heavy[path]?.doubleValue), try #require(double[path]?.doubleValue)
        )
        #expect((one - other).magnitude <= 1e-6 * other.magnitude, "\(path): \(one), \(other)")
      }
      let predicted = try Lockstep.run(
        ["predict", "run", "--input", "new.csv", "--format", "csv"], directory: directory)
      #expect(
        predicted.lines.first
          == "row,prediction_u,prediction_v,label_u,label_v,output_1,output_2",
        "\(predicted.transcript)")
      let first = predicted.lines[1].split(separator: ",").compactMap { Double($0) }
      // In the targets' own units.
      #expect((50...200).contains(first[1]) && (-1...1).contains(first[2]))
    }
  }

  @Test func severalLabelsAreProbabilitiesByName() throws {
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "part-*.csv", "delimiter": "auto", "target": ["hot", "wet"],
                    "targetKind": "labels"},
           "model": {"type": "mlp", "sizes": [4, 2]}, "loss": "binaryCrossEntropy", "batchSize": 8,
           "shards": 2, "epochs": 2, "optimizer": "adam"}
          """)
      for part in 1...2 {
        let rows = (0..<20).map {
          "\($0 * part);\($0 % 2 == 0 ? "yes" : "no");\($0 % 3 == 0 ? 1 : 0)\n"
        }
        try AtomicFile.write(
          "\(directory)/part-\(part).csv", text: "a;hot;wet\n" + rows.joined())
      }
      let trained = try Lockstep.run(
        ["train", "c.json", "--run-directory", "run", "--quiet"], ranks: 2, directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      try AtomicFile.write("\(directory)/new.csv", text: "a\n3\n")
      let result = try Lockstep.run(
        ["predict", "run", "--input", "new.csv"], directory: directory)
      let row = try JSONValue.parse(try #require(result.lines.first { $0.hasPrefix("{") }))
      #expect(row["probabilities"]?.objectValue?.keys == ["hot", "wet"], "\(result.transcript)")
    }
  }

  @Test func laterTablesAreReadByNameAndUnknownCategoriesAreNoticed() throws {
    try withDirectory { directory in
      let trained = try Lockstep.run(
        ["train", Lockstep.example("passengers"), "--set", "epochs=1", "--run-directory", "run"],
        directory: directory)
      #expect(trained.succeeded, "\(trained.transcript)")
      func predict(_ text: String) throws -> (lines: [String], notices: String) {
        try AtomicFile.write("\(directory)/new.csv", text: text)
        let result = try Lockstep.run(
          ["predict", "run", "--input", "new.csv"], ranks: 2, directory: directory)
        #expect(result.succeeded, "\(result.transcript)")
        return (result.lines.filter { $0.hasPrefix("{") }, result.errorOutput)
      }
      let one = try predict(
        "ticket,class,sex,age,relatives,fare,port\n007,1,female,,0,80.5,Cherbourg\n")
      let other = try predict(
        "port,fare,relatives,name,age,sex,class,ticket\nCherbourg,80.5,0,Anyone,NA,female,1,007\n")
      #expect(one.lines == other.lines && one.lines.count == 1)
      #expect(one.lines[0].contains("\"id\":\"007\""))
      let unknown = try predict(
        "ticket,class,sex,age,relatives,fare,port\n7,1,female,30,0,80.5,Hamburg\n")
      #expect(
        unknown.notices.contains(
          "1 row with 1 level of the column 'port' that training does not know: 'Hamburg'"))
    }
  }

  @Test func inspectShowsColumnsAndAConfigurationThatTrains() throws {
    for name in ["passengers", "rentals"] {
      let file =
        String(Lockstep.example(name).dropLast("\(name).json".count)) + "tables/\(name).csv"
      let shown = try Lockstep.run(["inspect", file])
      #expect(shown.succeeded, "\(shown.transcript)")
      #expect(shown.lines.contains { $0.hasPrefix("column ") })
      let json = try Lockstep.run(["inspect", file, "--json"])
      let columns = try JSONValue.parse(try #require(json.lines.first))["columns"]?.arrayValue
      #expect(
        columns?.compactMap { $0["kind"]?.stringValue }.contains("category") == true,
        "\(json.transcript)")
      try withDirectory { directory in
        let starter = try Lockstep.run(["inspect", file, "--starter"])
        #expect(starter.lines.filter { !$0.isEmpty }.count <= 20, "\(starter.transcript)")
        try AtomicFile.write(
          "\(directory)/start.json", text: starter.lines.joined(separator: "\n"))
        let trained = try Lockstep.run(
          ["train", "start.json", "--run-directory", "none", "--quiet", "--set", "epochs=1"],
          directory: directory)
        #expect(trained.fingerprint != nil, "\(starter.transcript)\(trained.transcript)")
      }
    }
    let missing = try Lockstep.run(["inspect", "none.csv"])
    #expect(missing.ending == .exited(2), "\(missing.transcript)")
  }

  @Test func keysThatDoNotFitAreRefused() throws {
    let cases: [(String, String)] = [
      ("data.columns.class={\"kind\": \"catgeory\"}", "did you mean 'category'?"),
      (
        "data.columns.class={\"kind\": \"category\", \"parts\": \"month\"}",
        "goes with the kind 'date'"
      ),
      (
        "data.columns.class={\"kind\": \"category\", \"missing\": \"mean\"}",
        "must be 'error' of a category"
      ),
      ("data.columns.clas=category", "has no column 'clas'; did you mean 'class'?"),
      ("data.fillMissing=\"mode\"", "'data.fillMissing' must be"),
      ("data.decimal=\",\"", "'data.decimal' is ',', and so is the delimiter"),
      ("data.target=[\"survived\",\"fare\"]", "set 'targetKind' to 'values'"),
      ("data.file=none-*.csv", "no file matches this pattern"),
    ]
    for (setting, message) in cases {
      let result = try Lockstep.run(
        ["train", Lockstep.example("passengers"), "--dry-run", "--set", setting])
      #expect(result.ending == .exited(2), "\(setting): \(result.transcript)")
      #expect(result.errorOutput.contains(message), "\(setting): \(result.transcript)")
    }
  }
}
