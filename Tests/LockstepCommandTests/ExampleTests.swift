import LockstepFiles
import LockstepTesting
import Testing

/// Every configuration that ships runs on 1, 2 and 4 ranks, and gives one result.
@Suite struct ExampleTests {
  private static let names: [String] = {
    let folder = String(Lockstep.example("x").dropLast("/x.json".count))
    let files = (try? SystemFileSystem().list(folder)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }()

  @Test func thereAreSome() { #expect(Self.names.count >= 3) }

  @Test(arguments: names) func anExampleRunsOnEveryNumberOfRanks(_ name: String) throws {
    var fingerprints: Set<String> = []
    for ranks in [1, 2, 4] {
      let result = try Lockstep.run(
        [
          "train", Lockstep.example(name), "--set", "steps=2", "--run-directory", "none", "--quiet",
        ], ranks: ranks)
      fingerprints.insert(try #require(result.fingerprint, "\(result.transcript)"))
      #expect(result.lines.filter { !$0.isEmpty }.count == 1)
    }
    #expect(fingerprints.count == 1)
  }

  /// What the program of Examples/OwnModel trains, in the words of a configuration: its layers have the
  /// names of the model's properties, from which initial weights are drawn.
  private static let ownModel = """
    {
      "data": {"type": "mnist-5k"},
      "model": {
        "layers": [
          {"type": "Conv2d", "name": "conv", "outChannels": 16, "kernel": 3, "padding": "same"},
          {"type": "BatchNorm2d", "name": "norm"},
          {"type": "ReLU"},
          {"type": "MaxPool2d", "kernel": 2},
          {"type": "Flatten"},
          {
            "type": "Linear", "name": "hidden", "outFeatures": 64,
            "constraint": {"type": "maxNorm", "limit": 2}
          },
          {"type": "ReLU"},
          {"type": "Linear", "name": "head", "outFeatures": 10}
        ]
      },
      "batchSize": 128, "epochs": 5, "seed": 1,
      "optimizer": {"type": "adamW", "learningRate": 3e-3},
      "clip": {"type": "globalNorm", "limit": 1}
    }
    """

  /// A program's own model trains to the bits of the configuration of the same layers, on any number of
  /// ranks.
  @Test func theOwnModelIsTheConfigurationsRun() throws {
    try withDirectory { directory in
      let path = "\(directory)/own-model.json"
      try AtomicFile.write(path, text: Self.ownModel)
      let arguments = ["train", path, "--run-directory", "none", "--quiet"]
      let program = try MPIRunner.builtExecutable("own-model")
      let expected = try Lockstep.run(arguments)
      #expect(expected.fingerprint != nil, "\(expected.transcript)")
      for ranks in 1...3 {
        let own = try MPIRunner.run(program, ranks: ranks)
        #expect(own.fingerprint == expected.fingerprint, "\(own.transcript)")
        guard ranks > 1 else { continue }
        let configured = try Lockstep.run(arguments, ranks: ranks)
        #expect(configured.fingerprint == expected.fingerprint, "\(configured.transcript)")
      }
    }
  }

  /// Behind the model a program needs no more than fifteen lines.
  @Test func theOwnModelIsShort() throws {
    let path = Lockstep.example("x").dropLast("x.json".count) + "OwnModel/main.swift"
    let text = String(decoding: try FileInput.contents(of: String(path)), as: UTF8.self)
    let lines = text.split(separator: "\n").drop { $0 != "}" }.dropFirst()
    #expect(lines.count > 1 && lines.count <= 15)
  }

  /// An operation from outside of the package trains, with the same bits on other ranks.
  @Test func anOwnOperationTrains() throws {
    let program = try MPIRunner.builtExecutable("own-operation")
    let one = try MPIRunner.run(program, ranks: 1)
    let two = try MPIRunner.run(program, ranks: 2)
    #expect(one.fingerprint != nil && one.fingerprint == two.fingerprint, "\(two.transcript)")
    let accuracy = two.lines.last { $0.hasPrefix("epoch 5: accuracy ") }
      .flatMap { Double($0.dropFirst("epoch 5: accuracy ".count)) }
    let reached = try #require(accuracy, "\(two.transcript)")
    #expect(reached > 0.85)
  }

  /// The example is a package of its own: its manifest is one, and depends on this package alone.
  @Test func theOwnOperationIsAPackage() throws {
    try withDirectory { directory in
      let folder = "\(Lockstep.example("x").dropLast("x.json".count))OwnOperation"
      let result = try MPIRunner.runAlone(
        "/usr/bin/env",
        [
          "swift", "package", "--disable-sandbox", "--package-path", folder, "--scratch-path",
          directory, "dump-package",
        ])
      #expect(result.succeeded, "\(result.transcript)")
      guard case .object(let package) = try JSONValue.parse(result.output),
        case .array(let targets)? = package["targets"],
        case .array(let dependencies)? = package["dependencies"]
      else {
        Issue.record("no manifest: \(result.transcript)")
        return
      }
      #expect(package["name"] == .string("OwnOperation"))
      #expect(targets.count == 1 && dependencies.count == 1)
    }
  }

  /// A user is told of nothing in an example: there is nothing to tell.
  @Test(arguments: names) func anExampleHasNoNotices(_ name: String) throws {
    let result = try Lockstep.run(["train", Lockstep.example(name), "--dry-run"])
    #expect(result.succeeded, "\(result.transcript)")
    #expect(!(result.output + result.errorOutput).contains("notice: "), "\(result.transcript)")
    #expect(!result.output.contains("1 shards") && !result.output.contains("1 threads"))
  }

  /// Both logs count epochs from 1, and the two agree.
  @Test func epochsAreCountedFromOne() throws {
    try withDirectory { directory in
      let run = "\(directory)/run"
      // 455 examples in batches of 228: two steps an epoch; the run ends inside of the third.
      let result = try Lockstep.run([
        "train", Lockstep.example("breast-cancer"), "--run-directory", run, "--set",
        "batchSize=228", "--set", "steps=5",
      ])
      #expect(result.succeeded, "\(result.transcript)")
      let steps = try jsonLines("\(run)/metrics.jsonl").map { $0["epoch"] }
      #expect(steps == [1, 1, 2, 2, 3])
      let evaluations = try jsonLines("\(run)/evaluations.jsonl")
      #expect(evaluations.map { $0["epoch"] } == [1, 2, 3])
      #expect(evaluations.map { $0["step"] } == [2, 4, 5])
    }
  }

  /// A notice is told once, whatever the number of ranks, by train and by a dry run.
  @Test func noticesAreToldOnce() throws {
    for arguments in [["--dry-run"], ["--run-directory", "none"]] {
      let result = try Lockstep.run(
        [
          "train", Lockstep.example("breast-cancer"), "--set", "steps=2", "--set",
          "data.testFraction=null",
        ] + arguments, ranks: 2)
      #expect(result.succeeded, "\(result.transcript)")
      let all = result.lines + result.errorOutput.split(separator: "\n").map(String.init)
      #expect(all.filter { $0.hasPrefix("notice: the data has no test part") }.count == 1)
    }
  }
}
