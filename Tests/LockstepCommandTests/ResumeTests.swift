import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a run needs and keeps when it goes on, and where it may start.
@Suite struct ResumeTests {
  /// Trains a small network on the embedded digits, at one learning rate whatever its length.
  static func train(
    _ directory: String, _ run: String, _ arguments: [String], ranks: Int = 1,
    environment: [String: String?] = [:]
  ) throws -> ProgramResult {
    try Lockstep.run(
      [
        "train", Lockstep.example("digits-mlp"), "--run-directory", "\(directory)/\(run)", "--set",
        "shards=4", "--set", "optimizer.schedule={\"type\": \"constant\"}",
      ] + arguments, ranks: ranks, environment: environment)
  }

  @Test func aLongerRunIsRefusedWhereItsScheduleFollowsTheLength() throws {
    try withDirectory { directory in
      let cosine = ["--set", #"optimizer.schedule={"type": "cosine"}"#]
      let first = try Self.train(directory, "run", cosine + ["--set", "steps=6"], ranks: 2)
      #expect(first.succeeded, "\(first.transcript)")
      let longer = cosine + ["--resume", "--set", "steps=12"]
      for ranks in [1, 3] {
        let refused = try Self.train(directory, "run", longer, ranks: ranks)
        #expect(refused.ending == .exited(2), "\(refused.transcript)")
        #expect(refused.complaints.count == 1)
        #expect(refused.complaints.first?.contains("optimizer.schedule.steps=6") == true)
        // What is refused has not begun.
        #expect(!refused.output.contains("training "), "\(refused.transcript)")
      }
      let kept = ["--set", "optimizer.schedule.steps=6"]
      let resumed = try Self.train(directory, "run", longer + kept, ranks: 3)
      let whole = try Self.train(
        directory, "whole", cosine + kept + ["--set", "steps=12"], ranks: 2)
      #expect(resumed.fingerprint != nil && resumed.fingerprint == whole.fingerprint)
    }
  }

  /// Initial weights are read once, from wherever weights lie.
  @Test func initialWeightsComeFromCheckpointsAndMayGoAfterwards() throws {
    try withDirectory { directory in
      let saving = ["--set", "checkpoint.everySteps=2", "--set", "checkpoint.keep=9"]
      let whole = try Self.train(directory, "a", saving + ["--set", "steps=6"])
      let four = try Self.train(directory, "four", ["--set", "steps=4"])
      #expect(whole.fingerprint != nil && four.fingerprint != nil)
      // A step of rate zero leaves the weights where they start.
      let still = [
        "--set", "steps=1", "--set", #"optimizer={"type": "sgd", "learningRate": 0}"#, "--set",
        "constraints=[]", "--set", "seed=99",
      ]
      for (number, (from, expected)) in [
        (["a"], whole), (["a", "--checkpoint", "last"], whole),
        (["a", "--checkpoint", "4"], four),
        (["a/checkpoints/step-000000004.safetensors"], four),
      ].enumerated() {
        let start = ["--initial-weights", "\(directory)/\(from[0])"] + from[1...]
        let result = try Self.train(directory, "from\(number)", still + start, ranks: 2)
        #expect(result.fingerprint == expected.fingerprint, "\(from): \(result.transcript)")
      }
      let inspected = try Lockstep.run([
        "inspect", "\(directory)/a", "--checkpoint", "4", "--fingerprint",
      ])
      #expect(inspected.lines.first == four.fingerprint)
      // Rules for names hold for a file that the command line gives, too.
      let renamed = try Self.train(
        directory, "renamed",
        still + ["--initial-weights", "\(directory)/a", "--set"]
          + [#"initialWeights.names=[{"from": "1.*", "to": "1.*"}]"#])
      #expect(renamed.fingerprint == whole.fingerprint, "\(renamed.transcript)")

      // Killed, and the weights gone: the run goes on, with or without their name.
      let start = ["--set", "steps=8", "--initial-weights", "\(directory)/a", "--resume"] + saving
      let expected = try Self.train(directory, "undisturbed", start)
      let killed = try Self.train(
        directory, "killed", start, environment: ["LOCKSTEP_FAULT": "step:0:6:kill"])
      #expect(!killed.succeeded)
      let newest = try Lockstep.run(["inspect", "\(directory)/killed", "--fingerprint"])
      #expect(newest.succeeded && newest.lines.first != expected.fingerprint)
      for option in ["--fingerprint", "--json"] {
        let inspected = try Lockstep.run(["inspect", "\(directory)/killed", option])
        #expect(inspected.output.split(separator: "\n").count == 1)
        #expect(
          inspected.errorOutput.contains("has no final weights: using its checkpoint of step"),
          "\(inspected.transcript)")
      }
      let report = try Lockstep.run(["report", "\(directory)/killed"])
      let last = try jsonLines("\(directory)/killed/metrics.jsonl").last?["step"] ?? 0
      #expect(
        report.lines.first?.hasSuffix(
          "still running, or killed without a word; the last step logged is \(last.compactText)")
          == true, "\(report.transcript)")
      try SystemFileSystem().rename("\(directory)/a", to: "\(directory)/gone")
      let resumed = try Self.train(directory, "killed", start, ranks: 2)
      #expect(resumed.fingerprint == expected.fingerprint, "\(resumed.transcript)")
      #expect(resumed.output.contains("initial weights: not read"))
      let again = try Self.train(
        directory, "killed", ["--set", "steps=8", "--resume"] + saving)
      #expect(again.fingerprint == expected.fingerprint, "\(again.transcript)")
      #expect(again.output.contains("training "), "\(again.transcript)")
      #expect(again.output.contains("done: 8 steps, all of them done before\n"))
      let anew = try Self.train(directory, "anew", start)
      #expect(anew.ending == .exited(2), "\(anew.transcript)")
      #expect(anew.complaints.first?.contains("\(directory)/a: ") == true, "\(anew.transcript)")
    }
  }

  @Test func otherKernelsAreNoticed() throws {
    try withDirectory { directory in
      let first = try Self.train(directory, "run", ["--set", "steps=2", "--isa", "baseline"])
      #expect(first.succeeded, "\(first.transcript)")
      let same = try Self.train(
        directory, "run", ["--set", "steps=3", "--isa", "baseline", "--resume"])
      #expect(same.succeeded && !same.output.contains("kernels"), "\(same.transcript)")
      let other = try Self.train(directory, "run", ["--set", "steps=4", "--resume"])
      #expect(other.succeeded, "\(other.transcript)")
      let best = try Lockstep.run(["--version"]).output
      #expect(
        best.contains("baseline")
          || other.output.contains("notice: the run was started with the kernels baseline"))
    }
  }

  /// Jobs that start together get a directory each.
  @Test func twoRunsOfOneSecondShareNoDirectory() throws {
    try withDirectory { directory in
      let program = try MPIRunner.builtExecutable("lockstep")
      let script = """
        for i in 1 2 3; do
          '\(program)' train '\(Lockstep.example("digits-mlp"))' --set steps=1 --quiet & pids="$pids $!"
        done
        for pid in $pids; do wait $pid || exit 1; done
        """
      let result = try ProgramRunner.run("sh", ["-c", script], directory: directory)
      #expect(result.succeeded, "\(result.transcript)")
      let runs = try SystemFileSystem().list("\(directory)/runs")
      #expect(runs.count == 3, "\(runs)")
      for run in runs {
        #expect(FileKind("\(directory)/runs/\(run)/weights.safetensors") == .regular)
      }
    }
  }

  /// A mark that some editors put in front of a file, and a syntax error that names it once.
  @Test func configurationsMayBeginWithAByteOrderMark() throws {
    try withDirectory { directory in
      let file = "\(directory)/marked.json"
      let text = String(
        decoding: try FileInput.contents(of: Lockstep.example("digits-mlp")), as: UTF8.self)
      try AtomicFile.write(file, text: "\u{feff}" + text)
      let result = try Lockstep.run([
        "train", file, "--set", "steps=1", "--run-directory", "none",
      ])
      #expect(result.succeeded, "\(result.transcript)")
      try AtomicFile.write(file, text: "\u{feff}{\"data\": }")
      let broken = try Lockstep.run(["train", file, "--run-directory", "none"])
      #expect(broken.ending == .exited(2))
      #expect(
        broken.complaints == ["lockstep: \(file): line 1, column 10: expected a value, found '}'"])
    }
  }

  @Test func weightsThatAreNotFiniteAreNamedBeforeTheFirstStep() throws {
    try withDirectory { directory in
      let first = try Self.train(directory, "a", ["--set", "steps=1"])
      #expect(first.succeeded, "\(first.transcript)")
      let path = "\(directory)/a/weights.safetensors"
      let file = try SafetensorsFile(path)
      let sick = "\(directory)/sick.safetensors"
      var tensors: [(String, [Int], [Float])] = []
      for tensor in file.tensors {
        var values = [Float](repeating: 0, count: tensor.count)
        try values.withUnsafeMutableBufferPointer { try file.read(tensor.name, into: $0) }
        if tensor.shape.count == 2 { values[5] = .nan }
        tensors.append((tensor.name, tensor.shape, values))
      }
      try Self.write(tensors[...], [], to: sick)
      for ranks in [1, 2] {
        let result = try Self.train(
          directory, "b", ["--initial-weights", sick], ranks: ranks)
        #expect(result.ending == .exited(2), "\(result.transcript)")
        #expect(result.complaints.count == 1)
        #expect(
          result.complaints.first?.contains("\(sick): the weight 1.weight[5] is nan") == true,
          "\(result.transcript)")
        #expect(FileKind("\(directory)/b") == .missing)
      }
    }
  }

  /// Writes tensors of Float32, whose values must stay in place until all are written.
  private static func write(
    _ tensors: ArraySlice<(String, [Int], [Float])>, _ sources: [TensorSource], to path: String
  ) throws {
    guard let (name, shape, values) = tensors.first else {
      return try SafetensorsWriter.write(path, sources)
    }
    try values.withUnsafeBufferPointer {
      try write(
        tensors.dropFirst(), sources + [TensorSource(name, shape: shape, $0)], to: path)
    }
  }
}
