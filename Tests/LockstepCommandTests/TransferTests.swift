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
      let again = try Lockstep.run([
        "train", "\(directory)/run/config.json", "--run-directory", "none",
      ])
      #expect(again.fingerprint == expected, "\(again.transcript)")
      let three = try Lockstep.run(["train", file, "--run-directory", "none"], ranks: 3)
      #expect(three.fingerprint == expected, "\(three.transcript)")
    }
  }
}
