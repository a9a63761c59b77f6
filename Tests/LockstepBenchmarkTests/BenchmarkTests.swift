import LockstepBenchmark
import LockstepFiles
import LockstepTesting
import Testing

/// Benchmarks run, say under which conditions, and measure what they claim to.
@Suite struct BenchmarkTests {
  private func run(_ arguments: [String], ranks: Int) throws -> JSONObject {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("benchmark-checks"), arguments, ranks: ranks,
      deadline: .seconds(120))
    #expect(result.succeeded, "\(result.transcript)")
    let line = try #require(result.lines.last { $0.hasPrefix("{") }, "\(result.transcript)")
    return try #require(try JSONValue.parse(line).objectValue)
  }

  @Test(arguments: [1, 2, 3]) func stepsTrain(ranks: Int) throws {
    let result = try run(["step", "mlp", "0.01"], ranks: ranks)
    #expect(result["ranks"]?.integerValue == ranks)
    #expect(result["shards"]?.integerValue == 4)
    let rate = try #require(result["examplesPerSecond"]?.doubleValue)
    let step = try #require(result["secondsPerStep"]?.objectValue?["median"]?.doubleValue)
    #expect(abs(rate * step - 128) < 128 * 0.5)
    // Ten classes at chance cost 2.3; the made-up images are easily learnt.
    let loss = try #require(result["loss"]?.doubleValue)
    #expect(loss < 0.5)
    // Two moments of four bytes, of the part that a rank owns.
    let parameters = 784 * 1024 + 1024 * 1024 + 1024 * 10 + 2 * 1024 + 10
    let bytes = try #require(result["optimizerBytes"]?.integerValue)
    #expect(Double(bytes * ranks) / Double(8 * parameters) > 0.99)
    #expect(Double(bytes * ranks) / Double(8 * parameters) < 1.1)
  }

  /// The ratio is that of its parts.
  @Test(arguments: [1, 2, 3]) func ceilingsBoundSteps(ranks: Int) throws {
    let result = try run(["ceiling", "mlp", "0.05"], ranks: ranks)
    #expect(result["ranks"]?.integerValue == ranks)
    #expect(result["shards"]?.integerValue == 4)
    func value(_ key: String, _ which: String) throws -> Double {
      try #require(result[key]?.objectValue?[which]?.doubleValue)
    }
    let least = try value("primitives", "smallest") + value("streams", "smallest")
    let most = try value("primitives", "largest") + value("streams", "largest")
    #expect(least > 0)
    #expect(try value("ratio", "smallest") >= value("step", "smallest") / most * 0.999)
    #expect(try value("ratio", "largest") <= value("step", "largest") / least * 1.001)
    #expect(try value("shareOfKernelCeiling", "smallest") > 0)
    #expect(try #require(result["streamedBytes"]?.integerValue) > 0)
  }

  /// The batch grows with the ranks and a shard keeps its size.
  @Test(arguments: [1, 2]) func scalingComparesTheRanksWithThemselves(ranks: Int) throws {
    let result = try run(["scaling", "mlp", "0.1"], ranks: ranks)
    #expect(result["ranks"]?.integerValue == ranks)
    #expect(result["batchPerRank"]?.integerValue == 64)
    #expect(result["shards"]?.integerValue == 2 * ranks)
    func median(_ key: String) throws -> Double {
      try #require(result[key]?.objectValue?["median"]?.doubleValue)
    }
    for key in ["alone", "together", "efficiency"] { #expect(try median(key) > 0, "\(key)") }
  }

  @Test func scalingRefusesShardsOfSeveralSizes() throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("benchmark-checks"), ["scaling", "mlp", "0.01"], ranks: 3,
      deadline: .seconds(60))
    #expect(!result.succeeded)
    #expect(result.errorOutput.contains("which 3 ranks do not have"), "\(result.transcript)")
  }

  @Test(arguments: [2, 3]) func foldsGiveTheRightSumsAndRatios(ranks: Int) throws {
    let result = try run(["fold", "65536"], ranks: ranks)
    #expect(result["bytes"]?.integerValue == 65536)
    #expect(result["ranks"]?.integerValue == ranks)
    #expect(try #require(result["ratio"]?.objectValue?["median"]?.doubleValue) > 0)
  }

  @Test(arguments: [1, 2, 3]) func updatesAreComparedWithMemory(ranks: Int) throws {
    let result = try run(["update", "4000000"], ranks: ranks)
    #expect(result["ranks"]?.integerValue == ranks)
    let share = try #require(result["shareOfStream"]?.objectValue?["median"]?.doubleValue)
    #expect(share > 0 && share.isFinite)
  }

  @Test func kernelsAreListed() throws {
    let result = try run(["kernels", "cnn", "8"], ranks: 1)
    let parts = try #require(result["parts"]?.arrayValue)
    let sum = parts.reduce(0) { $0 + ($1.objectValue?["seconds"]?.doubleValue ?? .nan) }
    let primitives = try #require(result["primitives"]?.doubleValue)
    #expect(abs(sum - primitives) < 1e-9)
    let labels = parts.compactMap { $0.objectValue?["label"]?.stringValue }
    #expect(labels.contains("4: conv2d"))
    #expect(!labels.contains { $0.hasSuffix("reorder") })
  }

  /// Products, attention and recurrences are kernels that bound a step.
  @Test(arguments: [("lstm", "lstm"), ("gpt", "attention")])
  func kernelsOfSequencesAreListed(model: String, operation: String) throws {
    let result = try run(["kernels", model, "2"], ranks: 1)
    let labels = try #require(result["parts"]?.arrayValue).compactMap {
      $0.objectValue?["label"]?.stringValue
    }
    #expect(labels.contains { $0.hasSuffix(": linear") })
    #expect(labels.contains { $0.hasSuffix(": \(operation)") }, "\(labels)")
    #expect(labels.contains { $0.hasSuffix(": gradient of \(operation)") }, "\(labels)")
  }
}
