import LockstepFiles
import LockstepTesting
import Testing

/// Augmented trainings as users start them.
@Suite struct AugmentTests {
  private static let augment =
    #"data.augment=[{"type":"crop","padding":3,"border":"edge"},{"type":"shift","pixels":1},{"type":"flip","probability":0.1},{"type":"normalize","mean":[0.1],"standardDeviation":[1.5]}]"#
  private let arguments =
    ["train", Lockstep.example("digits-mlp")] + TrainTests.options("adam") + [
      "--set", "steps=90", "--set", AugmentTests.augment,
    ]

  @Test func anyNumberOfRanksThreadsAndKillsGivesTheSameBits() throws {
    try withDirectory { directory in
      let alone = try Lockstep.run(arguments + ["--run-directory", "none"])
      let expected = try #require(alone.fingerprint, "\(alone.transcript)")
      let plain = try Lockstep.run(
        arguments + ["--run-directory", "none", "--set", "data.augment=[]"])
      #expect(plain.fingerprint != nil && plain.fingerprint != expected)
      for (ranks, threads, inputs) in [
        (1, 2, "ahead"), (2, 1, "direct"), (2, 1, "ahead"), (3, 2, "ahead"), (3, 1, "automatic"),
      ] {
        let result = try Lockstep.run(
          arguments + [
            "--run-directory", "none", "--set", "threads=\(threads)", "--set", "inputs=\(inputs)",
          ], ranks: ranks)
        #expect(result.fingerprint == expected, "\(ranks), \(inputs): \(result.transcript)")
      }
      // The second epoch begins at step 63: killed in the first, resumed, killed in the second.
      let run = [
        "--run-directory", "\(directory)/run", "--resume", "--set", "checkpoint.everySteps=7",
        "--set", "inputs=ahead",
      ]
      for ranks in [2, 3] {
        let result = try Lockstep.run(
          arguments + run, ranks: ranks,
          environment: ["LOCKSTEP_FAULT": "step:\(ranks - 1):40:kill"])
        #expect(!result.succeeded, "\(result.transcript)")
      }
      let result = try Lockstep.run(arguments + run)
      #expect(result.fingerprint == expected, "\(result.transcript)")
      #expect(result.output.contains("resumed from"))
    }
  }

  /// Where weights are 0 a step moves the bias by the labels alone: by mixed ones where images are mixed.
  @Test func labelsAreMixedWithTheirImages() throws {
    try withDirectory { directory in
      func bias(_ name: String, _ more: [String]) throws -> [JSONValue] {
        let run = "\(directory)/\(name)"
        let result = try Lockstep.run(
          [
            "train", Lockstep.example("digits-mlp"), "--run-directory", run, "--set", "steps=1",
            "--set",
            #"model={"layers":["Flatten",{"type":"Linear","outFeatures":10,"weightInitializer":{"type":"constant","value":0}}]}"#,
            "--set", #"optimizer={"type":"sgd","learningRate":1}"#, "--set", "clip=null", "--set",
            "constraints=[]",
          ] + more)
        #expect(result.succeeded, "\(result.transcript)")
        let shown = try Lockstep.run(["inspect", run, "--json"])
        let tensors = try JSONValue.parse(shown.output)["tensors"]?.objectValue?.members ?? []
        return tensors.filter { $0.key.hasSuffix("bias") }.map(\.value)
      }
      let plain = try bias("plain", [])
      #expect(plain.count == 1)
      for way in ["mixup", "cutMix"] {
        let mixed = try bias(
          way, ["--set", #"data.augment=[{"type":"\#(way)","alpha":1}]"#])
        #expect(mixed.count == 1 && mixed != plain, "\(way): labels are not mixed")
        let weighted = try bias(
          "weighted-\(way)",
          [
            "--set", #"data.augment=[{"type":"\#(way)","alpha":1}]"#, "--set",
            #"loss={"type":"softmaxCrossEntropy","classWeights":"balanced"}"#,
          ])
        // There are as many digits of each class: balanced weights are 1, and change nothing.
        #expect(weighted == mixed, "\(way)")
      }
    }
  }

  /// Digits moved by a pixel are digits, and a network learns that from them.
  @Test func shiftedDigitsTrainAtLeastAsWell() throws {
    func accuracy(_ options: [String], _ directory: String) throws -> Double {
      let result = try Lockstep.run(
        ["train", Lockstep.example("digits-mlp"), "--run-directory", directory] + options)
      #expect(result.succeeded, "\(result.transcript)")
      let last = try jsonLines("\(directory)/evaluations.jsonl").last
      return try #require(last?["accuracy"]?.doubleValue)
    }
    try withDirectory { directory in
      let plain = try accuracy([], "\(directory)/plain")
      let shifted = try accuracy(
        ["--set", #"data.augment=[{"type":"shift","pixels":1}]"#], "\(directory)/shifted")
      #expect(plain > 0.9)
      #expect(shifted >= plain, "\(shifted) with shifts, \(plain) without")
    }
  }

  @Test(arguments: [
    (#"[{"type":"shift","pixels":28}]"#, "'data.augment.0': images of 28×28 can be shifted by"),
    (#"[{"type":"flip"},{"type":"crop","padding":30}]"#, "'data.augment.1': images of 28×28"),
    (
      #"[{"type":"shift","pixel":2}]"#,
      "unknown key 'pixel' in 'data.augment.0'; did you mean 'pixels'?"
    ),
    (#"[{"type":"flip","axes":1}]"#, "unknown key 'axes' in 'data.augment.0'"),
    (#"[{"type":"crop","padding":2,"border":"mirror"}]"#, "'data.augment.0.border' must be one of"),
    (#"[{"type":"rotate"}]"#, "'data.augment.0.type' must be one of 'shift', 'crop'"),
    ("3", "'data.augment' must be an array of objects"),
    (
      #"[{"type":"normalize","mean":[0,1],"standardDeviation":[1]}]"#,
      "'data.augment.0.mean' has 2 values and 'standardDeviation' 1"
    ),
    (
      #"[{"type":"normalize","mean":[0,1],"standardDeviation":[1,1]}]"#,
      "'data.augment.0': the normalization has 2 channels"
    ),
    (
      #"[{"type":"normalize","mean":[0],"standardDeviation":[0]}]"#,
      "'data.augment.0.standardDeviation' must be greater than 0"
    ),
  ])
  func whatCannotBeIsRefused(_ augment: String, _ text: String) throws {
    let result = try Lockstep.run([
      "train", Lockstep.example("digits-mlp"), "--run-directory", "none", "--set",
      "data.augment=\(augment)",
    ])
    #expect(result.ending == .exited(2))
    #expect(result.complaints.contains { $0.contains(text) }, "\(result.transcript)")
  }

  @Test func tablesHaveNothingToAugment() throws {
    let result = try Lockstep.run([
      "train", Lockstep.example("breast-cancer"), "--run-directory", "none", "--set",
      #"data.augment=[{"type":"flip"}]"#,
    ])
    #expect(result.ending == .exited(2))
    #expect(
      result.complaints.contains {
        $0.contains(
          "'data.augment.0' changes images, and the inputs of 'breast-cancer' have the shape [30]")
      }, "\(result.transcript)")
  }
}
