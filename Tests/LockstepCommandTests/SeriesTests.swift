import LockstepFiles
import LockstepTesting
import Testing

/// Series of different lengths and forecasts, from the command line.
@Suite struct SeriesTests {
  private func predictions(
    _ arguments: [String], ranks: Int = 1
  ) throws -> [JSONValue] {
    let result = try Lockstep.run(["predict"] + arguments, ranks: ranks)
    #expect(result.succeeded, "\(result.transcript)")
    return try result.lines.filter { $0.hasPrefix("{") }.map { try JSONValue.parse($0) }
  }

  private func evaluation(_ arguments: [String], ranks: Int = 1) throws -> JSONValue {
    let result = try Lockstep.run(["evaluate"] + arguments + ["--json"], ranks: ranks)
    return try JSONValue.parse(try #require(result.lines.first, "\(result.transcript)"))
  }

  @Test("series of different lengths are classified, and new ones read as training read its own")
  func classes() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let trained = try Lockstep.run(
        ["train", Lockstep.example("gestures-gru"), "--run-directory", run], ranks: 2)
      #expect(trained.fingerprint != nil, "\(trained.transcript)")
      let report = try evaluation([run])
      #expect(report["examples"] == 40)
      #expect(report["accuracy"]?.doubleValue ?? 0 >= 0.9, "\(report)")
      #expect(try evaluation([run], ranks: 3) == report)
      let all = try predictions([run])
      #expect(all.count == 40 && all.allSatisfy { $0["id"] != nil })
      let right = all.count { $0["class"] == $0["label"] }
      #expect(Double(right) / 40 == report["accuracy"]?.doubleValue)
      #expect(try predictions([run], ranks: 3) == all)

      // A series alone is what it is among others, in another order, without target.
      let new = "\(directory)/new.csv"
      let rows = try FileInput.contents(
        of: Lockstep.example("x").dropLast("x.json".count) + "series/gestures.csv")
      let name = try #require(all[3]["id"]?.stringValue)
      let own = String(decoding: rows, as: UTF8.self).split(separator: "\n")
        .filter { $0.hasPrefix("\(name),") }.map { $0.split(separator: ",") }
      try AtomicFile.write(
        new,
        text: "y,gesture,x,t\n"
          + own.reversed().map { "\($0[3]),other,\($0[2]),\($0[1])\n" }.joined())
      let alone = try predictions([run, "--input", new])
      #expect(alone.count == 1 && alone[0]["id"] == "other" && alone[0]["label"] == nil)
      #expect(alone[0]["class"] == all[3]["class"])
      let (one, among) = (
        alone[0]["probability"]?.doubleValue ?? 0, all[3]["probability"]?.doubleValue ?? 1
      )
      #expect(abs(one - among) < 1e-5)

      let inspected = try Lockstep.run(["inspect", run])
      #expect(inspected.output.contains("series of at most 64 steps of 2 features, 4 classes"))
    }
  }

  @Test("a killed run goes on to the same weights, batch by batch of one padded length")
  func resume() throws {
    try withDirectory { directory in
      func train(
        _ run: String, _ more: [String] = [], ranks: Int, environment: [String: String?] = [:]
      ) throws -> ProgramResult {
        try Lockstep.run(
          [
            "train", Lockstep.example("gestures-gru"), "--set", "steps=14", "--set",
            "checkpoint.everySteps=5", "--run-directory", "\(directory)/\(run)",
          ] + more, ranks: ranks, environment: environment)
      }
      let whole = try train("whole", ranks: 2)
      let expected = try #require(whole.fingerprint, "\(whole.transcript)")
      let killed = try train(
        "killed", ranks: 2, environment: ["LOCKSTEP_FAULT": "step:1:8:kill"])
      #expect(!killed.succeeded)
      let resumed = try train("killed", ["--resume"], ranks: 3)
      #expect(resumed.fingerprint == expected, "\(resumed.transcript)")
    }
  }

  /// Series of a wave whose steps are high or low.
  private static let waves: String = {
    var text = "name,when,x,state\n"
    for series in 0..<24 {
      for step in 0..<(3 + series * 5 % 11) {
        let value = (series * 3 + step * 5) % 9
        text += "s\(series),\(step),\(value),\(value > 4 ? "high" : "low")\n"
      }
    }
    return text
  }()

  private func configuration(
    _ directory: String, data: String, model: String, loss: String = "softmaxCrossEntropy"
  ) throws -> String {
    let path = "\(directory)/config.json"
    try AtomicFile.write(
      path,
      text: """
        {"data": \(data), "model": \(model), "loss": {"type": "\(loss)"},
         "batchSize": 8, "shards": 4, "epochs": 12, "seed": 1,
         "optimizer": {"type": "adam", "learningRate": 0.03}}
        """)
    return path
  }

  @Test("each step is classified, and padding is no step")
  func steps() throws {
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/waves.csv", text: Self.waves)
      let path = try configuration(
        directory,
        data: #"{"type": "series", "file": "waves.csv", "series": "name", "time": "when", "#
          + #""target": "state", "targetPer": "step", "testFraction": 0.25}"#,
        model:
          #"{"layers": [{"type": "GRU", "hiddenSize": 8}, {"type": "Linear", "outFeatures": 2}]}"#)
      let run = "\(directory)/run"
      let trained = try Lockstep.run(["train", path, "--run-directory", run], ranks: 2)
      #expect(trained.succeeded, "\(trained.transcript)")
      let lines = try predictions([run, "--on", "training"])
      #expect(lines[0]["step"] == 1 && lines[1]["step"] == 2)
      let report = try evaluation([run, "--on", "training"])
      #expect(report["examples"] == 18)
      let right = Double(lines.count { $0["class"] == $0["label"] }) / Double(lines.count)
      let accuracy = report["accuracy"]?.doubleValue ?? 0
      #expect(abs(right - accuracy) < 1e-6 && accuracy > 0.8, "\(report)")
      let all = try predictions([run, "--input", "\(directory)/waves.csv"])
      #expect(all.count == Self.waves.split(separator: "\n").count - 1)
    }
  }

  @Test("the next steps are predicted in the unit of the table")
  func forecast() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      let trained = try Lockstep.run(
        [
          "train", Lockstep.example("load-forecast"), "--run-directory", run, "--set", "epochs=3",
        ], ranks: 2)
      #expect(trained.succeeded, "\(trained.transcript)")
      let report = try evaluation([run])
      let rmse = report["rmse"]?.doubleValue ?? 0
      // The load's deviation is about 80.
      #expect(rmse > 2 && rmse < 60, "\(report)")
      #expect(report["r2"]?.doubleValue ?? 0 > 0.5, "\(report)")
      let lines = try predictions([run])
      let values = lines.flatMap { $0["forecast"]?.objectValue?.members.map(\.value) ?? [] }
      let labels = lines.flatMap { $0["label"]?.objectValue?.members.map(\.value) ?? [] }
      #expect(values.count == lines.count * 12 && labels.count == values.count)
      let errors = zip(values, labels).map {
        (($0.doubleValue ?? 0) - ($1.doubleValue ?? 0))
          * (($0.doubleValue ?? 0) - ($1.doubleValue ?? 0))
      }
      let own = (errors.reduce(0, +) / Double(errors.count)).squareRoot()
      #expect(abs(own - rmse) < 0.01 * rmse)
      // Of a file of its own what comes behind its end is predicted.
      let table = Lockstep.example("x").dropLast("x.json".count) + "series/load.csv"
      let ahead = try predictions([run, "--input", String(table)])
      #expect(ahead.count == 1 && ahead[0]["row"] == 1008)
      #expect(ahead[0]["label"] == nil)
      let first = ahead[0]["forecast"]?["load+1"]?.doubleValue ?? 0
      #expect(first > 150 && first < 700)
    }
  }

  @Test("what is wrong with a table of series is told once, with its place")
  func badInput() throws {
    try withDirectory { directory in
      func refusal(
        _ text: String, _ keys: String = "", kind: String = "series",
        model: String = #"{"type": "gruClassifier", "hidden": 4, "classes": 2}"#
      ) throws -> String {
        try AtomicFile.write("\(directory)/t.csv", text: text)
        let base =
          kind == "series"
          ? #""series": "name", "time": "when", "target": "state""# : #""targets": ["x"]"#
        let path = try configuration(
          directory, data: #"{"type": "\#(kind)", "file": "t.csv", \#(base)\#(keys)}"#,
          model: model)
        let result = try Lockstep.run(["train", path, "--run-directory", "none"], ranks: 2)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.complaints.count == 1, "\(result.transcript)")
        return result.complaints.first ?? ""
      }
      let file = "\(directory)/t.csv"
      let twice = try refusal(Self.waves + "s3,0,1,low\n")
      #expect(twice.contains("\(file): line "), "\(twice)")
      #expect(twice.contains("column 'when': the series 's3' has the time '0' on line"), "\(twice)")
      let gap = try refusal(Self.waves + "s0,9,1,low\n", #", "targetPer": "step""#)
      #expect(gap.contains("the series 's0' goes from '2'"), "\(gap)")
      let text = try refusal(Self.waves.replacing("s1,0,3,low", with: "s1,0,three,low"))
      #expect(
        text.contains("\(file): line 5, column 'x': expected a number, found 'three'"), "\(text)")
      let id = try refusal(Self.waves.replacing("name,", with: "nome,"))
      #expect(id.contains("\(file): has no column 'name'; did you mean 'nome'?"), "\(id)")
      let long = try refusal(Self.waves, #", "targetPer": "step", "lengths": [4, 8]"#)
      #expect(long.contains("\(file): the series 's"), "\(long)")
      #expect(long.contains("and the longest padded length is 8"), "\(long)")
      let order = try refusal(Self.waves, #", "lengths": [8, 4]"#)
      #expect(order.contains("'data.lengths' must ascend"), "\(order)")
      let heedless = try refusal(
        Self.waves.replacing("high", with: "low"), model: #"{"type": "mlp", "sizes": [4, 2]}"#)
      #expect(heedless.contains("no layer of the model heeds them"), "\(heedless)")
      let heads = try refusal(
        Self.waves, #", "targetPer": "step""#,
        model: #"{"layers": [{"type": "Linear", "outFeatures": 6}, "#
          + #"{"type": "MultiheadAttention", "width": 6, "heads": 4}]}"#)
      #expect(heads.contains("4 heads do not divide the width 6"), "\(heads)")
      let short = try refusal(
        "x\n1\n2\n3\n", #", "window": 4"#, kind: "forecast",
        model: #"{"type": "gruClassifier", "hidden": 4, "classes": 1}"#)
      #expect(
        short.contains("\(file): no series has the 5 steps of a window of 4"), "\(short)")
      let target = try refusal("y\n1\n2\n3\n", kind: "forecast")
      #expect(target.contains("\(file): has no column 'x'"), "\(target)")
      var bytes = Array(Self.waves.utf8)
      bytes[40] = 0xff
      try AtomicFile.write(file, bytes: bytes)
      let result = try Lockstep.run([
        "train", "\(directory)/config.json", "--set", "data.file=\(file)", "--run-directory",
        "none",
      ])
      #expect(result.complaints.first?.contains("\(file): line ") == true, "\(result.transcript)")
      #expect(result.complaints.first?.contains("is not UTF-8") == true, "\(result.transcript)")
    }
  }
}
