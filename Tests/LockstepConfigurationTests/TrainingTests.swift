import LockstepCollective
import LockstepState
import LockstepFold
import LockstepConfiguration
import LockstepFiles
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// The library's way to a training.
@Suite struct TrainingTests {
  private static let configuration = """
    {"data": {"type": "blobs", "classes": 3, "testFraction": 0.25, "examples": 400},
     "model": {"type": "mlp", "sizes": [16, 3]}, "batchSize": 64, "shards": 4, "epochs": 4,
     "optimizer": {"type": "adamW", "learningRate": 0.05},
     "clip": {"type": "globalNorm", "limit": 1}}
    """

  private static func read() throws -> RunConfiguration {
    try RunConfiguration(parsing: Array(configuration.utf8), source: "test.json")
  }

  /// What the configuration says, said in Swift.
  private static func training(
    epochs: Int = 4, options: TrainingOptions = TrainingOptions(), on ranks: any Collective
  ) throws -> (training: Training, hears: () -> [TrainingEvaluation]) {
    final class Heard { var all: [TrainingEvaluation] = [] }
    let configuration = try read()
    let data = try configuration.data.load()
    var options = options
    options.shards = 4
    let training = try Training(
      configuration.model, on: data.training, loss: configuration.loss,
      update: .adamW(learningRate: 0.05).clipped(globalNorm: 1), batchSize: 64, epochs: epochs,
      seed: configuration.seed, options: options, ranks: ranks)
    let heard = Heard()
    if let test = data.test { try training.evaluate(on: test) { heard.all.append($0) } }
    return (training, { heard.all })
  }

  private static func group<Result: Sendable>(
    of ranks: Int, _ body: @escaping @Sendable (any Collective) throws -> Result
  ) throws -> [Result] {
    ranks == 1 ? [try body(SoloCollective())] : try InProcessGroup.run(ranks: ranks, body)
  }

  @Test func itIsWhatTheConfigurationMakes() throws {
    let configuration = try Self.read()
    let run = try ConfiguredRun(
      configuration, data: try configuration.data.load(), on: SoloCollective())
    let expected = try run.trainer(directory: nil) { _ in }.run()
    #expect(expected.fingerprint != nil)
    for ranks in 1...3 {
      let results = try Self.group(of: ranks) { group in
        let (training, hears) = try Self.training(on: group)
        let outcome = try training.fit()
        return (outcome, hears().map(\.epoch), hears().last?.accuracy)
      }
      for (rank, result) in results.enumerated() {
        #expect(result.0 == expected)
        #expect(result.1 == (rank == 0 ? [1, 2, 3, 4] : []))
      }
      #expect((results[0].2 ?? 0) > 0.9)
    }
  }

  @Test func itGoesOnWhereItWas() throws {
    try withTemporaryDirectory { directory in
      let whole = try Self.training(on: SoloCollective()).training.fit()
      let path = "\(directory)/run"
      let first = try Self.group(of: 2) { group in
        try Self.training(epochs: 2, on: group).training.fit(in: path)
      }
      #expect(first[0].fingerprint != whole.fingerprint)
      let second = try Self.group(of: 3) { group in
        try Self.training(on: group).training.fit(in: path, resume: true)
      }
      #expect(second.allSatisfy { $0 == whole })
      #expect(FileKind("\(path)/weights.safetensors") == .regular)
      #expect(throws: RunDirectoryError.self) {
        try Self.training(on: SoloCollective()).training.fit(in: path)
      }
      // Another update, other examples: another run.
      let configuration = try Self.read()
      let data = try configuration.data.load()
      for (rate, seed) in [(0.02, 1), (0.05, 2)] as [(Double, UInt64)] {
        let other = seed == 1 ? data.training : try #require(data.test)
        var options = TrainingOptions()
        options.shards = 4
        let training = try Training(
          configuration.model, on: other, loss: configuration.loss,
          update: .adamW(learningRate: .constant(rate)).clipped(globalNorm: 1), batchSize: 64,
          epochs: 5, seed: configuration.seed, options: options)
        #expect(throws: CheckpointError.self) { try training.fit(in: path, resume: true) }
      }
    }
  }

  /// What a second-order step does not see is refused, and not left out.
  @Test func whatHasNoEffectIsRefused() throws {
    func options(_ change: (inout TrainingOptions) -> Void) -> TrainingOptions {
      var options = TrainingOptions()
      options.hessianFree = HessianFreeOptions()
      change(&options)
      return options
    }
    for options in [
      options { $0.sharing = .sharded }, options { $0.wire = .bfloat16(level: 0) },
      options { $0.regularizers = [RegularizerRule(.pattern("*"), WeightRegularizer(l2: 1))] },
    ] {
      #expect(throws: StepError.self) {
        try Self.training(options: options, on: SoloCollective())
      }
    }
  }
}
