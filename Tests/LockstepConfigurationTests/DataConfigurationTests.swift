import LockstepConfiguration
import LockstepDatasets
import LockstepFiles
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a configuration says about data, and what is loaded then.
@Suite struct DataConfigurationTests {
  private func configuration(
    _ data: String, loss: String = "softmaxCrossEntropy", directory: String? = nil
  ) throws -> RunConfiguration {
    try RunConfiguration(
      parsing: Array(
        """
        {"data": \(data), "model": {"type": "mlp", "sizes": [2]}, "loss": {"type": "\(loss)"}}
        """.utf8), source: "test.json", directory: directory)
  }

  private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/lockstep-data-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary directory: errno \(errno)") }
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
      for name in files.keys { unlink("\(path)/\(name)") }
      rmdir(path)
    }
    for (name, text) in files { try AtomicFile.write("\(path)/\(name)", text: text) }
    try body(path)
  }

  @Test func pathsAreRelativeToTheConfigurationsFolder() throws {
    let text = #"{"type": "csv", "file": "a.csv", "testFile": "./b/c.csv", "target": "t"}"#
    let read = try configuration(text, directory: "/project")
    #expect(read.resolved["data.file"] == "/project/a.csv")
    #expect(read.resolved["data.testFile"] == "/project/b/c.csv")
    // The resolved configuration means the same files in any folder.
    let again = try RunConfiguration(read.resolved, source: "x", directory: "/elsewhere")
    #expect(again.resolved == read.resolved)
    let absolute = try configuration(
      #"{"type": "idx", "inputs": "/i", "labels": "l"}"#, directory: "/p")
    #expect(absolute.resolved["data.inputs"] == "/i")
    #expect(absolute.resolved["data.labels"] == "/p/l")
    let typed = try RunConfiguration(
      parsing: Array(read.resolved.compactText.utf8), source: "/configs/run.json",
      overrides: [Override(path: "data.file", value: "here.csv")])
    #expect(typed.resolved["data.file"] == .string(AbsolutePath.of("here.csv")))
    let whole = try RunConfiguration(
      parsing: Array(read.resolved.compactText.utf8), source: "/configs/run.json",
      overrides: [
        Override(path: "data", value: ["type": "csv", "file": "b.csv", "target": "t"])
      ])
    #expect(whole.resolved["data.file"] == .string(AbsolutePath.of("b.csv")))
    let folder = try RunConfiguration(
      parsing: Array(
        #"{"data": {"type": "blobs"}, "model": {"type": "mlp", "sizes": [2]}, "initialWeights": {"file": "w"}}"#
          .utf8), source: "/configs/run.json")
    #expect(folder.resolved["initialWeights.file"] == "/configs/w")
  }

  /// A resolved configuration can be read again whatever it says of the keys that have no use in it.
  @Test(arguments: [
    #"{"type": "mnist-5k"}"#, #"{"type": "breast-cancer", "testFraction": 0.2}"#,
    #"{"type": "breast-cancer", "folds": 5, "fold": 1}"#, #"{"type": "images"}"#,
    #"{"type": "idx", "inputs": "a", "labels": "b", "testInputs": "c", "testLabels": "d"}"#,
    #"{"type": "idx", "inputs": "a", "labels": "b", "mean": [0.5], "deviation": [0.5]}"#,
    #"{"type": "csv", "file": "a", "target": "t", "testFile": "b", "testFraction": null}"#,
    #"{"type": "csv", "file": "a", "target": "t", "classes": ["x", "y"]}"#,
  ])
  func resolvedConfigurationsAreReadAgain(_ data: String) throws {
    let read = try configuration(data)
    #expect(try RunConfiguration(read.resolved, source: "x").resolved == read.resolved)
  }

  @Test(arguments: [
    (
      #"{"type": "csv", "file": "a", "target": "t", "testFile": "b", "testFraction": 0.5}"#,
      "'data.testFraction' cuts a test part, and the data comes with one"
    ),
    (
      #"{"type": "mnist-5k", "folds": 3, "fold": 0}"#,
      "'data.folds' cuts a test part, and the data comes with one"
    ),
    (
      #"{"type": "idx", "inputs": "a", "labels": "b", "mean": [0.5]}"#,
      "'data.deviation' is missing beside its counterpart"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "classes": ["x", "x"]}"#,
      "'data.classes' cannot be used: the name 'x' stands twice"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "targetKind": "values", "classes": 3}"#,
      "'data.classes' goes with the target kind 'classes'"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "classes": ["x", " NA"]}"#,
      "'data.classes' cannot be used: 'NA' stands for a missing value"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "weight": "t"}"#,
      "'data.weight' names the target's column 't'"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "weight": "w", "ignore": ["w"]}"#,
      "'data.ignore' names the column 'w', and so does 'weight'"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "weight": "w", "id": "w"}"#,
      "'data.weight' names the column 'w', and so does 'id'"
    ),
    (
      #"{"type": "csv", "file": "a", "target": "t", "columns": {"t": "category"}}"#,
      "'data.columns' names the target's column 't'"
    ),
    (
      #"{"type": "text-rows", "file": "a", "text": "x", "target": "t", "targetKind": "labels"}"#,
      "'data.targetKind' must be one of 'classes', 'values'"
    ),
    (
      #"{"type": "text-rows", "file": "a", "text": "x", "target": "t", "lengths": [8, 4]}"#,
      "'data.lengths' must ascend; found [8, 4]"
    ),
  ])
  func mistakesAreNamed(_ data: String, _ message: String) {
    let error = #expect(throws: ConfigurationError.self) { try configuration(data) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test func splitSeedsActOnNumbers() throws {
    func test(_ seed: Int) throws -> Fingerprint? {
      try configuration(
        #"{"type": "linear", "weights": [1, 2], "examples": 50, "testFraction": 0.2, "splitSeed": \#(seed)}"#,
        loss: "meanSquaredError"
      ).data.load().test?.fingerprint
    }
    #expect(try test(0) != test(1))
    #expect(try test(1) == test(1))
  }

  @Test func aTestFileIsReadAsTheTrainingFileWas() throws {
    try withFolder([
      "train.csv": "a,b,t\n1,5,x\n3,6,y\n5,7,z\n", "test.csv": "t,b,a\nz,5,1\nx,7,5\n",
    ]) { folder in
      let data = try configuration(
        #"{"type": "csv", "file": "train.csv", "testFile": "test.csv", "target": "t"}"#,
        directory: folder
      ).data
      let parts = try data.load()
      #expect((parts.test as? Dataset)?.strata == [2, 0])
      guard case .floats(let training)? = (parts.training as? Dataset)?.inputs,
        case .floats(let test)? = (parts.test as? Dataset)?.inputs
      else {
        Issue.record("expected floats")
        return
      }
      #expect(test[0] == training[0] && test[1] == training[1] && test[2] == training[4])
      // Read later through what was learned, both parts are the same examples.
      let description = try DataDescription(parts.record.description.json, source: "d")
      for name in DataConfiguration.PartName.allCases {
        let part = try #require(try data.part(name, as: description)).part
        #expect(
          part.examples.fingerprint
            == (name == .test ? parts.test?.fingerprint : parts.training.fingerprint))
        #expect(part.summary == (name == .test ? description.test : description.training))
      }
    }
  }

  /// The parts of a cut are the same when they are read through what was learned.
  @Test(arguments: [
    (#"{"type": "breast-cancer", "testFraction": 0.3}"#, "binaryCrossEntropy"),
    (#"{"type": "mnist-5k"}"#, "softmaxCrossEntropy"),
    (#"{"type": "blobs", "folds": 4, "fold": 2}"#, "softmaxCrossEntropy"),
    (#"{"type": "adding-problem", "examples": 40, "testFraction": 0.2}"#, "meanSquaredError"),
    (#"{"type": "copy-memory", "examples": 40, "folds": 4, "fold": 2}"#, "softmaxCrossEntropy"),
  ])
  func partsComeBack(_ text: String, _ loss: String) throws {
    let data = try configuration(text, loss: loss).data
    let parts = try data.load()
    let description = try DataDescription(parts.record.description.json, source: "d")
    #expect(description == parts.record.description)
    let (training, test) = (
      try data.part(.training, as: description), try data.part(.test, as: description)
    )
    #expect(training?.part.examples.fingerprint == parts.training.fingerprint)
    #expect(test?.part.examples.fingerprint == parts.test?.fingerprint)
    #expect(test?.part.summary == description.test)
  }

  @Test func targetsOfBinaryCrossEntropyAreChecked() throws {
    try withFolder(["t.csv": "a,t\n1,0\n2,0.5\n3,2\n"]) { folder in
      let text = #"{"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values"}"#
      let error = #expect(throws: FileError.self) {
        try configuration(text, loss: "binaryCrossEntropy", directory: folder).data.load()
      }
      #expect(error?.reason.hasPrefix("line 4: the target is 2.0") == true)
      #expect(throws: Never.self) {
        try configuration(text, loss: "meanSquaredError", directory: folder).data.load()
      }
    }
  }

  @Test func targetsOfAnotherSizeThanOutputsAreNoticed() throws {
    func notices(_ targets: [String], loss: String = "meanSquaredError") throws -> [String] {
      let rows = targets.enumerated().map { "\($0.offset % 2),\($0.element)\n" }
      let text = "a,price\n" + rows.joined()
      var found: [String] = []
      try withFolder(["t.csv": text]) { folder in
        found = try configuration(
          #"{"type": "csv", "file": "t.csv", "target": "price", "targetKind": "values"}"#,
          loss: loss, directory: folder
        ).data.load().notices
      }
      return found
    }
    let large = try notices(["100000", "200000", "300000"])
    #expect(large.count == 1)
    #expect(
      large.first?.contains(
        "t.csv: the targets in 'price' have a mean of 200000 and a deviation of 81650") == true,
      "\(large)")
    #expect(try notices(["0.001", "0.002", "0.003"]).count == 1)
    #expect(try notices(["1", "20", "50"]).isEmpty)
    #expect(try notices(["500", "500"]).isEmpty)
    #expect(try notices(["0", "0.001", "0"], loss: "binaryCrossEntropy").isEmpty)
  }

  @Test func digitsThatAreLostAreNoticedOnce() throws {
    let text = "a,t\n1,16777216\n2,16777217\n3,16777216\n4,16777217\n"
    try withFolder(["a.csv": text, "b.csv": text]) { folder in
      let data = try configuration(
        #"{"type": "csv", "file": "a.csv", "testFile": "b.csv", "target": "t", "targetKind": "values"}"#,
        loss: "meanSquaredError", directory: folder
      ).data
      let parts = try data.load()
      #expect(parts.notices.count { $0.contains("16777216 and 16777217") } == 1)
      let test = try #require(try data.part(.test, as: parts.record.description))
      #expect(test.notices.count == 1)
      let read = try parts.record.description.read("\(folder)/b.csv")
      #expect(read.notices == test.notices)
    }
  }

  @Test func loadingEndsWhereTheProgramIsAskedToStop() throws {
    try withFolder(["t.csv": "a,t\n1,x\n2,y\n"]) { folder in
      let data = try configuration(
        #"{"type": "csv", "file": "t.csv", "target": "t"}"#, directory: folder
      ).data
      let error = #expect(throws: FileError.self) {
        try ReadingStop.heeding({ true }) { _ = try data.load() }
      }
      #expect(error?.reason.contains("asked to stop") == true)
    }
  }

  @Test func oneChangedTargetIsNamedThoughTheCutMoves() throws {
    func text(_ changed: Int) -> String {
      let rows = (0..<40).map { row in
        "\(row),\(row * row),\(row == 3 ? changed : row * 7 % 40)\n"
      }
      return "a,b,t\n" + rows.joined()
    }
    func record(_ changed: Int) throws -> DataRecord {
      var record: DataRecord?
      try withFolder(["t.csv": text(changed)]) { folder in
        record = try configuration(
          #"{"type": "csv", "file": "t.csv", "target": "t", "targetKind": "values", "testFraction": 0.25}"#,
          loss: "meanSquaredError", directory: folder
        ).data.load().record
      }
      return try #require(record)
    }
    let (before, after) = (try record(21), try record(-50))
    let recorded = try DataDescription(before.description.json, source: "d")
    #expect(before.difference(from: recorded) == nil)
    let difference = after.difference(from: recorded)
    #expect(
      difference?.hasSuffix("t.csv) has other values in 't', first on line 5") == true,
      "\(difference ?? "")")
  }

  @Test func aTrainingPartOfOneClassIsNoticed() throws {
    try withFolder(["t.csv": "a,t\n1,x\n2,x\n"]) { folder in
      let parts = try configuration(
        #"{"type": "csv", "file": "t.csv", "target": "t"}"#, directory: folder
      ).data.load()
      #expect(parts.notices.contains { $0.contains("of one class") })
    }
  }
}
