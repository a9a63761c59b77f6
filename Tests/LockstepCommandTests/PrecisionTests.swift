import LockstepEngine
import LockstepFiles
import LockstepTesting
import Testing

/// `"precision": "bfloat16"` as users meet it.
@Suite struct PrecisionTests {
  private static let native = ComputeLibrary.hasBFloat16
  private static let base = ["train", Lockstep.example("digits-cnn")]
  private static let half = ["--set", "precision=bfloat16"]

  /// The accuracy that the last evaluation of a run found.
  private func accuracy(_ run: String, _ arguments: [String]) throws -> Double {
    let result = try Lockstep.run(Self.base + arguments + ["--run-directory", run], ranks: 2)
    #expect(result.succeeded, "\(result.transcript)")
    let evaluations = try jsonLines("\(run)/evaluations.jsonl")
    return try #require(evaluations.last?["accuracy"]?.doubleValue)
  }

  @Test(.enabled(if: native, "this processor has no AVX-512 BF16"))
  func digitsAreLearnedAsWell() throws {
    try withDirectory { directory in
      let exact = try accuracy("\(directory)/exact", [])
      let rounded = try accuracy("\(directory)/rounded", Self.half)
      #expect(exact > 0.97)
      #expect(abs(exact - rounded) <= 0.005, "\(exact) and \(rounded)")
      // Evaluation reads the precision from the run.
      let again = try Lockstep.run(["evaluate", "\(directory)/rounded"])
      #expect(again.succeeded, "\(again.transcript)")
    }
  }

  @Test(.enabled(if: native, "this processor has no AVX-512 BF16"))
  func checkpointsBelongToOnePrecision() throws {
    // Without a schedule, which would depend on the number of steps.
    let base = Self.base + ["--set", "optimizer={\"type\": \"adam\"}"]
    try withDirectory { directory in
      let place = ["--run-directory", "\(directory)/run", "--set", "steps=3"]
      let alone = try Lockstep.run(base + Self.half + place)
      #expect(alone.succeeded, "\(alone.transcript)")
      let other = try Lockstep.run(
        base + ["--set", "steps=6", "--run-directory", "\(directory)/run", "--resume"])
      #expect(other.ending == .exited(2), "\(other.transcript)")
      #expect(other.complaints[0].contains("precision"), "\(other.transcript)")
      let same = try Lockstep.run(
        base + Self.half + [
          "--set", "steps=6", "--run-directory", "\(directory)/run", "--resume",
        ], ranks: 2)
      let whole = try Lockstep.run(
        base + Self.half + ["--set", "steps=6", "--run-directory", "none"])
      #expect(same.fingerprint != nil && same.fingerprint == whole.fingerprint)
    }
  }

  /// Below AVX-512, by the processor or by a pin, bfloat16 is refused, once, with what to do.
  @Test func withoutNativeProductsItIsRefused() throws {
    let pins = InstructionSet.allCases.filter { $0 < .avx512 && $0 <= .detected }
    for pin in pins {
      let result = try Lockstep.run(
        Self.base + Self.half + ["--isa", pin.name, "--run-directory", "none"], ranks: 2)
      #expect(result.ending == .exited(2), "\(result.transcript)")
      #expect(result.complaints.count == 1)
      let complaint = try #require(result.complaints.first)
      #expect(complaint.contains("\"precision\": \"bfloat16\" needs AVX-512 BF16"))
      #expect(complaint.contains("set \"precision\": \"float32\""))
      if pin < .detected { #expect(complaint.contains(pin.name)) }
    }
  }

  @Test(.enabled(if: native, "this processor has no AVX-512 BF16"))
  func benchmarksTakeIt() throws {
    let result = try Lockstep.run([
      "benchmark", "step", "--model", "mlp", "--batch", "16", "--windows", "1", "--seconds", "0.01",
      "--precision", "bfloat16", "--json",
    ])
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.output.contains("\"precision\":\"bfloat16\""))
    let wrong = try Lockstep.run(["benchmark", "step", "--precision", "float16"])
    #expect(wrong.errorOutput.contains("'--precision' must be one of float32, bfloat16"))
  }
}
