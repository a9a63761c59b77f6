import LockstepFiles
import LockstepTesting
import Testing

/// A run knows its data: what it learned is used for every later file.
@Suite struct NewDataTests {
  /// Rows of three named classes that two features tell apart, made by a rule.
  private static func rows(_ count: Int, from start: Int = 0) -> [(
    id: String, x: Double, y: Double, name: String
  )] {
    (start..<start + count).map { index in
      let kind = index % 3
      let wobble = Double((index * 37) % 11) / 11 - 0.5
      return (
        "p\(index)", 1000 + 100 * Double(kind) + 30 * wobble,
        Double(kind == 1 ? 1 : 0) + wobble / 2,
        ["ant", "bee", "cat"][kind]
      )
    }
  }

  private static func text(_ rows: [(id: String, x: Double, y: Double, name: String)]) -> String {
    "id,x,y,species\n" + rows.map { "\($0.id),\($0.x),\($0.y),\($0.name)\n" }.joined()
  }

  private static let configuration = """
    {"data": {"type": "csv", "file": "data/train.csv", "target": "species", "id": "id",
              "testFraction": 0.2},
     "model": {"type": "mlp", "sizes": [8, 3]}, "batchSize": 16, "shards": 4, "epochs": 30,
     "optimizer": {"type": "adam", "learningRate": 0.03}, "evaluate": {"everyEpochs": 10},
     "checkpoint": {"keep": 5}}
    """

  /// A directory with a configuration, its data in a folder beside it, and a run.
  private func withRun(
    _ body: (_ directory: String, _ run: String) throws -> Void
  ) throws {
    try withDirectory { directory in
      try SystemFileSystem().createDirectory("\(directory)/project/data")
      try AtomicFile.write("\(directory)/project/config.json", text: Self.configuration)
      try AtomicFile.write(
        "\(directory)/project/data/train.csv", text: Self.text(Self.rows(150)))
      let run = "\(directory)/run"
      // From another folder than the configuration's: its paths are relative to its own.
      let trained = try Lockstep.run(
        ["train", "project/config.json", "--run-directory", "run"], ranks: 2, directory: directory)
      #expect(trained.fingerprint != nil, "\(trained.transcript)")
      try body(directory, run)
    }
  }

  private func predictions(
    _ arguments: [String], ranks: Int = 1
  ) throws -> (lines: [JSONValue], result: ProgramResult) {
    let result = try Lockstep.run(["predict"] + arguments, ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    return (try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }, result)
  }

  private func expectRefusal(_ arguments: [String], _ message: String, ranks: Int = 1) throws {
    let result = try Lockstep.run(arguments, ranks: ranks)
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(
      result.complaints.count == 1 && result.complaints[0].contains(message),
      "\(result.transcript)")
  }

  @Test func newRowsAreReadAsTrainingReadItsOwn() throws {
    try withRun { directory, run in
      let rows = Self.rows(40, from: 1000)
      // Other order, no target, a column that nobody knows.
      let new = "\(directory)/new.csv"
      try AtomicFile.write(
        new, text: "y,colour,id,x\n" + rows.map { "\($0.y),red,\($0.id),\($0.x)\n" }.joined())
      let (all, result) = try predictions([run, "--input", new])
      #expect(result.errorOutput.contains("does not know the column 'colour'"))
      #expect(all.count == 40)
      #expect(all.map { $0["row"] } == (1...40).map { .integer($0) })
      #expect(all.map { $0["id"]?.stringValue } == rows.map(\.id))
      #expect(all.allSatisfy { $0["label"] == nil })
      let right = zip(all, rows).count { $0["class"]?.stringValue == $1.name }
      #expect(right >= 38)
      // A row alone is what it is among others, on any number of ranks.
      let alone = "\(directory)/alone.csv"
      try AtomicFile.write(alone, text: "x,y\n\(rows[7].x),\(rows[7].y)\n")
      let one = try predictions([run, "--input", alone]).lines
      #expect(one[0]["outputs"] == all[7]["outputs"])
      #expect(one[0]["class"] == all[7]["class"])
      #expect(try predictions([run, "--input", new], ranks: 3).lines == all)
      let sum = all[0]["probabilities"]?.objectValue?.members.reduce(0.0) {
        $0 + ($1.value.doubleValue ?? 0)
      }
      #expect(abs((sum ?? 0) - 1) < 1e-6)
      // As many digits as Float32 has.
      for line in all {
        var numbers = [try #require(line["probability"])]
        numbers += line["probabilities"]?.objectValue?.members.map { $0.value } ?? []
        numbers += line["outputs"]?.arrayValue ?? []
        for number in numbers.compactMap(\.doubleValue) {
          #expect(Double("\(Float(number))") == number)
        }
      }
      #expect(all[0]["probabilities"]?.objectValue?.keys == ["ant", "bee", "cat"])
      // The same as CSV.
      let table = "\(directory)/out.csv"
      #expect(try Lockstep.run(["predict", run, "--input", new, "--output", table]).succeeded)
      let lines = String(decoding: try FileInput.contents(of: table), as: UTF8.self)
        .split(separator: "\n")
      #expect(lines.count == 41)
      #expect(
        lines[0]
          == "row,id,class,probability,probability_ant,probability_bee,probability_cat,output_1,output_2,output_3"
      )
      #expect(lines[8].hasPrefix("8,p1007,\(all[7]["class"]?.stringValue ?? ""),"))
      try expectRefusal(
        ["predict", run, "--format", "xml"], "'--format' must be jsonl, csv or npy")
      try expectRefusal(
        ["predict", run, "--input", new, "--id", "ids"], "has no column 'ids'; did you mean 'id'?",
        ranks: 2)
    }
  }

  @Test func newFilesAreEvaluatedByNames() throws {
    try withRun { directory, run in
      func evaluate(_ text: String, ranks: Int = 1) throws -> JSONValue {
        let file = "\(directory)/e.csv"
        try AtomicFile.write(file, text: text)
        let result = try Lockstep.run(["evaluate", run, "--input", file, "--json"], ranks: ranks)
        return try JSONValue.parse(
          try #require(result.lines.first { $0.hasPrefix("{") }, "\(result.transcript)"))
      }
      let rows = Self.rows(60, from: 500)
      let all = try evaluate(Self.text(rows), ranks: 2)
      #expect((all["accuracy"]?.doubleValue ?? 0) > 0.9)
      // Without the first class, without the second: the others keep their numbers.
      for missing in ["ant", "bee"] {
        let part = try evaluate(Self.text(rows.filter { $0.name != missing }))
        #expect((part["accuracy"]?.doubleValue ?? 0) > 0.9)
        #expect(part["examples"] == 40)
      }
      let wrong = "\(directory)/w.csv"
      try AtomicFile.write(wrong, text: "species,y,x\nant,0,1000\nbeee,1,1100\n")
      try expectRefusal(
        ["evaluate", run, "--input", wrong],
        "w.csv: line 3, column 'species': the class 'beee' is unknown", ranks: 2)
      try AtomicFile.write(wrong, text: "species,Y,x\nant,0,1000\n")
      try expectRefusal(
        ["evaluate", run, "--input", wrong], "lacks the column 'y' (is it 'Y'?)", ranks: 2)
      try AtomicFile.write(wrong, text: "y,x\n0,1000\n")
      try expectRefusal(["evaluate", run, "--input", wrong], "lacks the column 'species'")
      try AtomicFile.write(wrong, text: "y,x,species\n")
      try expectRefusal(["evaluate", run, "--input", wrong], "has no examples")
    }
  }

  /// What comes from training stays; where and how a file is read can be set.
  @Test func keysOfTrainingCannotBeSet() throws {
    try withRun { directory, run in
      let new = "\(directory)/new.csv"
      let rows = Self.rows(20, from: 300)
      try AtomicFile.write(new, text: Self.text(rows))
      for (setting, key) in [
        ("data.fillMissing=100", "fillMissing"), ("data.standardize=false", "standardize"),
        (#"data.classes=["cat","bee","ant"]"#, "classes"), (#"data.ignore=["y"]"#, "ignore"),
        ("data.id=null", "id"), ("data.shuffle=false", "shuffle"),
        ("data={\"type\":\"csv\",\"file\":\"\(new)\",\"target\":\"y\"}", "target"),
      ] {
        for command in [["evaluate", run], ["predict", run, "--input", new]] {
          try expectRefusal(
            command + ["--set", setting],
            "'data.\(key)' comes from training, and '--set' cannot change it")
        }
      }
      try expectRefusal(
        ["evaluate", run, "--set", "data.standardize=false"], "'data.standardize' comes from",
        ranks: 2)
      try expectRefusal(
        ["predict", run, "--input", new, "--set", "data.file=\(new)"],
        "'data.file' has no effect beside '--input'")
      // The value that it has already is no change.
      let expected = try predictions([run, "--input", new]).lines
      #expect(
        try predictions([run, "--input", new, "--set", "data.standardize=true"]).lines == expected)
      let semicolons = "\(directory)/semicolons.csv"
      try AtomicFile.write(semicolons, text: Self.text(rows).replacing(",", with: ";"))
      let delimiter = ["--set", #"data.delimiter=";""#]
      #expect(
        try predictions([run, "--input", semicolons] + delimiter, ranks: 2).lines == expected)
      // Other files, cut as the training's were.
      let moved = "\(directory)/moved.csv"
      try AtomicFile.write(
        moved, text: Self.text(Self.rows(150)).replacing(",", with: ";"))
      let own = try predictions([run]).lines
      #expect(try predictions([run, "--set", "data.file=\(moved)"] + delimiter).lines == own)
    }
  }

  /// A file of weights as other programs write one: no metadata, every value the same.
  private func plainWeights(of run: String, value: Float) throws -> [UInt8] {
    let inspected = try Lockstep.run(["inspect", run, "--json"])
    let shown = try JSONValue.parse(try #require(inspected.lines.first))
    var entries: [String] = []
    var size = 0
    let tensors = try #require(shown["tensors"]?.objectValue)
    for (name, entry) in tensors.members {
      let shape = try #require(entry["shape"]?.arrayValue).compactMap(\.integerValue)
      let end = size + 4 * shape.reduce(1, *)
      entries.append(
        "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(size),\(end)]}")
      size = end
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    bytes += header
    for _ in 0..<size / 4 {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  @Test func outputsAndErrorsNameTheFilesThatAreMeant() throws {
    try withRun { directory, run in
      let input = "\(directory)/new.csv"
      try AtomicFile.write(input, text: Self.text(Self.rows(5)))
      // What is read is not replaced, whatever name leads to it.
      let weights = "\(run)/weights.safetensors"
      let before = try FileInput.contents(of: weights)
      for file in [
        weights, "\(directory)/./run/weights.safetensors", "\(run)/config.json", input,
        "\(directory)/project/data/train.csv",
      ] {
        try expectRefusal(
          ["predict", run, "--input", input, "--output", file], "is a file that is read", ranks: 2)
      }
      #expect(try FileInput.contents(of: weights) == before)
      let plain = "\(directory)/plain.safetensors"
      try AtomicFile.write(plain, bytes: try plainWeights(of: run, value: 3e38))
      // What is not finite has one name, whatever its sign.
      let infinite = try Lockstep.run(["predict", run, "--input", input, "--weights", plain])
      #expect(infinite.ending == .exited(2), "\(infinite.transcript)")
      let output = infinite.complaints.first?.split(separator: "output is ").last ?? ""
      #expect(
        ["NaN: ", "infinity: ", "-infinity: "].contains { output.hasPrefix($0) },
        "\(infinite.transcript)")
      try AtomicFile.write("\(run)/data.json", text: "{}")
      try expectRefusal(
        ["predict", run, "--input", input, "--weights", plain], "\(run)/data.json: ", ranks: 2)
    }
  }

  @Test func dataThatChangedIsRefused() throws {
    try withRun { directory, run in
      let file = "\(directory)/project/data/train.csv"
      let resume = [
        "train", "\(directory)/project/config.json", "--run-directory", run, "--resume", "--set",
        "epochs=31",
      ]
      var rows = Self.rows(150)
      rows[20].x += 1
      try AtomicFile.write(file, text: Self.text(rows))
      try expectRefusal(resume, "the data is not what the run was trained on", ranks: 2)
      try expectRefusal(resume, "has other values in 'x'")
      // The row that changed is one of the test part.
      try expectRefusal(["evaluate", run], "has other values in 'x'", ranks: 2)
      #expect(try Lockstep.run(["evaluate", run, "--on", "training"]).succeeded)
      try AtomicFile.write(file, text: Self.text(Self.rows(160)))
      try expectRefusal(resume, "has 128 examples, and had 120")
      try expectRefusal(
        ["evaluate", run, "--on", "training"], "has 128 examples, and had 120", ranks: 2)
      // Elsewhere, but the same: the run goes on.
      try SystemFileSystem().createDirectory("\(directory)/moved")
      try AtomicFile.write("\(directory)/moved/t.csv", text: Self.text(Self.rows(150)))
      let moved = try Lockstep.run(
        resume + ["--set", "data.file=\(directory)/moved/t.csv"], ranks: 2)
      #expect(moved.fingerprint != nil, "\(moved.transcript)")
    }
  }

  @Test func checkpointsStandInForWeights() throws {
    try withRun { directory, run in
      func loss(_ more: [String]) throws -> (JSONValue?, String) {
        let result = try Lockstep.run(["evaluate", run, "--json"] + more)
        let line = result.lines.first { $0.hasPrefix("{") }
        return (try line.map { try JSONValue.parse($0) }?["loss"], result.errorOutput)
      }
      let final = try loss([]).0
      #expect(final != nil)
      // As a kill leaves it.
      try SystemFileSystem().remove("\(run)/weights.safetensors")
      let (last, notice) = try loss([])
      #expect(last == final)
      #expect(notice.contains("has no final weights: using its checkpoint of step 240"))
      #expect(try loss(["--checkpoint", "last"]).0 == final)
      #expect(try loss(["--checkpoint", "best"]).0 != nil)
      let step = try loss(["--checkpoint", "232"]).0
      #expect(step != nil && step != final)
      #expect(
        try loss(["--weights", "\(run)/checkpoints/step-000000232.safetensors"]).0 == step)
      try expectRefusal(["evaluate", run, "--checkpoint", "7"], "has no checkpoint of step 7")
      try expectRefusal(
        ["predict", run, "--checkpoint", "first"], "must be best, last or a number")
      // A damaged one is passed over with a word.
      let path = "\(run)/checkpoints/step-000000240.safetensors"
      var bytes = try FileInput.contents(of: path)
      bytes[bytes.count - 5] ^= 1
      try AtomicFile.write(path, bytes: bytes)
      let (older, warning) = try loss([])
      #expect(older == step)
      #expect(warning.contains("passed over a damaged checkpoint"))
      try expectRefusal(["evaluate", run, "--checkpoint", "240"], "corrupt checkpoint")
    }
  }

  /// A run's directory works from any folder, and a test part is matched by name.
  @Test func testFilesAreMatchedByName() throws {
    try withDirectory { directory in
      func write(_ name: String, _ text: String) throws {
        try AtomicFile.write("\(directory)/\(name)", text: text)
      }
      try write("train.csv", "a,b,t\n" + (0..<40).map { "\($0),\(-3 * $0),\($0)\n" }.joined())
      try write("test.csv", "t,b,a\n" + (0..<40).map { "\($0),\(-3 * $0),\($0)\n" }.joined())
      try write(
        "c.json",
        """
        {"data": {"type": "csv", "file": "train.csv", "testFile": "./test.csv", "target": "t",
                  "targetKind": "values"},
         "model": {"layers": [{"type": "Linear", "outFeatures": 1}]},
         "loss": {"type": "meanSquaredError"}, "batchSize": 8, "epochs": 60,
         "optimizer": {"type": "adam", "learningRate": 1}}
        """)
      let run = "\(directory)/run"
      let trained = try Lockstep.run(
        ["train", "\(directory)/c.json", "--run-directory", run], directory: "/tmp")
      #expect(trained.succeeded, "\(trained.transcript)")
      func report(_ more: [String]) throws -> JSONValue {
        let result = try Lockstep.run(["evaluate", run, "--json"] + more, directory: "/")
        return try JSONValue.parse(
          try #require(result.lines.first { $0.hasPrefix("{") }, "\(result.transcript)"))
      }
      let (test, training) = (try report([]), try report(["--on", "training"]))
      #expect(test["loss"] == training["loss"])
      #expect((test["r2"]?.doubleValue ?? 0) > 0.99)
      let rmse = test["rmse"]?.doubleValue ?? 0
      #expect(abs(rmse * rmse - (test["loss"]?.doubleValue ?? 1)) < 1e-9)
      // The training file need not be there to test.
      try SystemFileSystem().remove("\(directory)/train.csv")
      #expect(try report([]) == test)
      let data = try JSONValue.parse(try FileInput.contents(of: "\(run)/data.json"))
      #expect(data["training.examples"] == 40)
      let configuration = try JSONValue.parse(try FileInput.contents(of: "\(run)/config.json"))
      #expect(configuration["data.testFile"] == .string("\(directory)/test.csv"))
      try write("test.csv", "t,c,a\n1,2,3\n")
      try expectRefusal(["evaluate", run], "test.csv: lacks the column 'b'", ranks: 2)
    }
  }

  @Test func arraysOfOtherShapesAreRefused() throws {
    try withDirectory { directory in
      func idx(_ name: String, _ shape: [UInt8], seed: Int = 0) throws -> String {
        let count = shape.reduce(1) { $0 * Int($1) }
        let bytes =
          [0, 0, 8, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, $0] }
          + (0..<count).map { UInt8(($0 * 7 + seed) % (shape.count == 1 ? 10 : 251)) }
        try AtomicFile.write("\(directory)/\(name)", bytes: bytes)
        return "\(directory)/\(name)"
      }
      _ = try idx("colour", [32, 3, 4, 4])
      _ = try idx("labels", [32])
      let grey = try idx("grey", [32, 4, 4])
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "idx", "inputs": "colour", "labels": "labels"},
           "model": {"type": "mlp", "sizes": [10]}, "batchSize": 16, "epochs": 1}
          """)
      let run = "\(directory)/run"
      let trained = try Lockstep.run(["train", "\(directory)/c.json", "--run-directory", run])
      #expect(trained.succeeded, "\(trained.transcript)")
      let labels = "\(directory)/labels"
      let shape = "an example has the shape [1, 4, 4], and the run was trained on [3, 4, 4]"
      try expectRefusal(
        ["evaluate", run, "--input", grey, "--labels", labels], shape, ranks: 2)
      try expectRefusal(["predict", run, "--input", grey], shape)
      try expectRefusal(["predict", run, "--input", labels], "is it the file of labels?")
      try expectRefusal(
        ["evaluate", run, "--input", "\(directory)/colour"], "its labels are missing")
      let lines = try predictions([run, "--input", "\(directory)/colour"]).lines
      #expect(lines.count == 32 && lines[0]["label"] == nil)
      for file in ["grey", "labels"] {
        try expectRefusal(
          [
            "train", "\(directory)/c.json", "--run-directory", "none", "--set",
            "data.testInputs=\(directory)/\(file)",
            "--set", "data.testLabels=\(labels)",
          ], "the run was trained on [3, 4, 4]", ranks: 2)
      }
    }
  }

  @Test func binaryTargetsLieBetweenZeroAndOne() throws {
    try withDirectory { directory in
      try AtomicFile.write(
        "\(directory)/t.csv", text: "a,t\n" + (0..<20).map { "\($0),\($0 % 2 * 2 - 1)\n" }.joined())
      try AtomicFile.write(
        "\(directory)/c.json",
        text: """
          {"data": {"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values"},
           "model": {"type": "mlp", "sizes": [1]}, "loss": {"type": "binaryCrossEntropy"},
           "batchSize": 4, "shards": 2}
          """)
      try expectRefusal(
        ["train", "\(directory)/c.json", "--run-directory", "none"],
        "t.csv: line 2: the target is -1.0, and the loss binaryCrossEntropy takes targets from 0 to 1",
        ranks: 2)
    }
  }

  /// Synthetic data is drawn from the seed, in a sweep as in a training.
  @Test func sweepsDrawTheDataOfEachSeed() throws {
    try withDirectory { directory in
      let configuration = "\(directory)/c.json"
      try AtomicFile.write(
        configuration,
        text: """
          {"data": {"type": "blobs", "examples": 64}, "model": {"type": "mlp", "sizes": [4, 2]},
           "batchSize": 16, "epochs": 1}
          """)
      let swept = try Lockstep.run(["sweep", configuration, "--vary", "seed=1,2", "--json"])
      let losses = try swept.lines.filter { $0.hasPrefix("{") }.map {
        try JSONValue.parse($0)["trainingLoss"]
      }
      #expect(losses.count == 2, "\(swept.transcript)")
      let run = "\(directory)/run"
      let trained = try Lockstep.run([
        "train", configuration, "--set", "seed=2", "--run-directory", run,
      ])
      #expect(trained.succeeded, "\(trained.transcript)")
      #expect(try jsonLines("\(run)/metrics.jsonl").last?["loss"] == losses.last ?? nil)
    }
  }
}
