import LockstepFiles
import LockstepTesting
import Testing

/// Starting from other weights, frozen parts, and second-order steps, as configurations ask for them.
@Suite struct TransferTests {
  /// The trunk of a trained network moves to one with another head, frozen, and stays as it is.
  @Test func frozenTrunksKeepTheirWeights() throws {
    try withDirectory { directory in
      let first = try Lockstep.run([
        "train", Lockstep.example("digits-cnn"), "--set", "steps=5", "--run-directory",
        "\(directory)/first",
      ])
      #expect(first.succeeded, "\(first.transcript)")
      let arguments =
        ["train", Lockstep.example("digits-cnn"), "--set", "steps=5", "--set", "seed=8"]
        + ["--set", "shards=4", "--set", "model.units=32", "--set", "freezeBatchNorm=[\"*\"]"]
        + ["--set", "freeze=[\"0.*\",\"1.*\",\"4.*\",\"5.*\"]", "--set"]
        + [
          "initialWeights={\"file\": \"\(directory)/first/weights.safetensors\", \"mode\": \"lenient\"}"
        ]
      let second = try Lockstep.run(
        arguments + ["--run-directory", "\(directory)/second"], ranks: 2)
      #expect(second.succeeded, "\(second.transcript)")
      #expect(second.output.contains("initial weights: mis-shaped: 9.weight"))
      func hashes(_ run: String) throws -> JSONValue {
        let result = try Lockstep.run(["inspect", "\(directory)/\(run)", "--json"])
        return try #require(try JSONValue.parse(result.output)["tensors"])
      }
      let (before, after) = (try hashes("first"), try hashes("second"))
      for name in ["0.weight", "1.bias", "4.weight", "5.weight", "5.running_mean"] {
        let one = try #require(before.objectValue?[name])
        #expect(one == after.objectValue?[name], "\(name) moved")
      }
      let head = try #require(after.objectValue?["12.weight"])
      #expect(head != before.objectValue?["12.weight"])
      let three = try Lockstep.run(arguments + ["--run-directory", "none"], ranks: 3)
      #expect(three.fingerprint == second.fingerprint)
      let strict = try Lockstep.run(
        arguments + ["--run-directory", "none", "--set", "initialWeights.mode=strict"])
      #expect(strict.ending == .exited(2))
      #expect(strict.complaints.first?.contains("9.weight") == true, "\(strict.transcript)")
    }
  }

  /// A small network learns from a large one's predictions, the same on any number of ranks.
  @Test func teachersAreDistilledFrom() throws {
    try withDirectory { directory in
      let teacher = try Lockstep.run([
        "train", Lockstep.example("digits-cnn"), "--set", "epochs=1", "--run-directory",
        "\(directory)/teacher",
      ])
      #expect(teacher.succeeded, "\(teacher.transcript)")
      let student =
        ["train", Lockstep.example("digits-mlp"), "--set", "steps=12", "--set", "shards=4"]
      let settings = [
        "--set", "distillation.teacher=\(directory)/teacher", "--set", "distillation.temperature=4",
        "--set", "distillation.weight=0.9",
      ]
      let one = try Lockstep.run(
        student + settings + ["--run-directory", "\(directory)/student"])
      let expected = try #require(one.fingerprint, "\(one.transcript)")
      for (ranks, more) in [
        (2, ["--set", "threads=2"]), (3, ["--set", "update=sharded"]),
        // The file alone, with its model beside it.
        (
          2,
          [
            "--set", "distillation.teacher=\(directory)/teacher/weights.safetensors", "--set",
            #"distillation.model={"type": "digits-cnn"}"#,
          ]
        ),
      ] {
        let result = try Lockstep.run(
          student + settings + ["--run-directory", "none"] + more, ranks: ranks)
        #expect(result.fingerprint == expected, "\(result.transcript)")
      }
      let alone = try Lockstep.run(student + ["--run-directory", "none"])
      #expect(alone.fingerprint != nil && alone.fingerprint != expected)
      // An evaluation is of the labels and needs no teacher.
      try SystemFileSystem().rename("\(directory)/teacher", to: "\(directory)/gone")
      let evaluation = try Lockstep.run(["evaluate", "\(directory)/student"])
      #expect(evaluation.succeeded, "\(evaluation.transcript)")
    }
  }

  @Test func teachersThatDoNotFitAreNamed() throws {
    try withDirectory { directory in
      let teacher = try Lockstep.run([
        "train", Lockstep.example("digits-mlp"), "--set", "model.sizes=[16,12]", "--set", "steps=1",
        "--run-directory", "\(directory)/teacher",
      ])
      #expect(teacher.succeeded, "\(teacher.transcript)")
      func refusal(_ settings: [String], ranks: Int = 1) throws -> String {
        let result = try Lockstep.run(
          ["train", Lockstep.example("digits-mlp"), "--set", "shards=4", "--run-directory", "none"]
            + settings.flatMap { ["--set", $0] }, ranks: ranks)
        #expect(ranks > 1 ? !result.succeeded : result.ending == .exited(2), "\(result.transcript)")
        #expect(result.complaints.count == 1, "\(result.transcript)")
        return result.complaints.first ?? ""
      }
      let path = "\(directory)/teacher"
      for ranks in [1, 3] {
        #expect(
          try refusal(["distillation.teacher=\(path)"], ranks: ranks).contains(
            "'distillation.teacher' has 12 outputs, and the model has 10"))
        #expect(
          try refusal(["distillation.teacher=\(directory)/nowhere"], ranks: ranks).contains(
            "'distillation.teacher' is '\(directory)/nowhere', which is no run directory"))
      }
      let other = #"distillation.model={"type": "mlp", "sizes": [16, 10]}"#
      #expect(
        try refusal(["distillation.teacher=\(path)/weights.safetensors", other]).contains(
          "'distillation.teacher' cannot be read: \(path)/weights.safetensors"))
      #expect(
        try refusal(["distillation.teacher=\(directory)/no.safetensors", other], ranks: 2).contains(
          "'distillation.teacher' cannot be read: \(directory)/no.safetensors"))
      let five = #"distillation.model={"type": "mlp", "sizes": [16, 5]}"#
      #expect(
        try refusal(["distillation.teacher=\(path)/weights.safetensors", five]).contains(
          "'distillation.teacher' does not fit the examples"))
    }
  }

  @Test func patternsThatFreezeNothingAreNamed() throws {
    let result = try Lockstep.run([
      "train", Lockstep.example("digits-mlp"), "--run-directory", "none", "--set",
      "freeze=[\"conv*\"]",
    ])
    #expect(result.ending == .exited(2))
    #expect(result.complaints.first?.contains("'conv*'") == true)
  }

  /// Second-order steps have the same bits on any number of ranks, and lower the loss.
  @Test func hessianFreeStepsHaveTheSameBits() throws {
    try withDirectory { directory in
      let file = "\(directory)/hessian-free.json"
      try AtomicFile.write(
        file,
        text: """
          {"data": {"type": "breast-cancer", "testFraction": 0.2},
           "model": {"type": "mlp", "sizes": [8, 1], "activation": "tanh"},
           "loss": {"type": "binaryCrossEntropy"}, "batchSize": 455, "shards": 4, "epochs": 6,
           "hessianFree": {"iterations": 30}}
          """)
      let one = try Lockstep.run(["train", file, "--run-directory", "\(directory)/run"])
      let expected = try #require(one.fingerprint, "\(one.transcript)")
      let losses = try jsonLines("\(directory)/run/metrics.jsonl").compactMap {
        $0["loss"]?.doubleValue
      }
      #expect(losses.count == 6 && losses[5] < losses[0] / 2)
      for line in try jsonLines("\(directory)/run/metrics.jsonl") {
        let details = try #require(line["hessianFree"])
        let numbers = [
          "damping", "reductionRatio", "stepLength", "newObjective", "gradientEquivalents",
        ].compactMap { details[$0]?.doubleValue }
        #expect(numbers.count == 5 && numbers[4] > 1)
        let iterations = try #require(details["iterations"]?.integerValue)
        #expect(iterations > 0 && iterations <= 30)
        #expect(details["products"]?.integerValue ?? 0 >= iterations)
        #expect(details["losses"]?.integerValue ?? 0 > 0)
      }
      let report = try Lockstep.run(["report", "\(directory)/run"])
      #expect(report.output.contains("gradient-equivalents"), "\(report.transcript)")
      let again = try Lockstep.run([
        "train", "\(directory)/run/config.json", "--run-directory", "none",
      ])
      #expect(again.fingerprint == expected, "\(again.transcript)")
      let three = try Lockstep.run(["train", file, "--run-directory", "none"], ranks: 3)
      #expect(three.fingerprint == expected, "\(three.transcript)")
    }
  }
}
