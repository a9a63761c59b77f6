import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepTrainingTestSupport
import Testing

import LockstepTraining

/// A limit of each shard's gradient: its law, beside what it is made of.
@Suite struct ShardClipTests {
  /// The shards of a batch; the last ones are smaller, or empty.
  private static let shards = 8

  /// What the fold of a whole batch gives, of one rank.
  private struct Folded {
    let gradient: [Float]
    let metrics: [Double]
  }

  private static let convolutional = Sequential([
    Conv2d(8, kernel: 3), BatchNorm2d(), ReLU(), MaxPool2d(2), Flatten(), Linear(3),
  ])

  private static func source(_ clip: ShardClip?, threads: Int = 1) throws -> ModelSource {
    let data = try SyntheticData.images(count: 80, shape: [1, 8, 8], classes: 3, seed: 5)
    let source = try ModelSource(
      SingleInputModel(convolutional), losses: OutputLosses(SoftmaxCrossEntropy()), on: data,
      seed: 3, threads: threads, admit: { _, _ in })
    source.shardClip = clip
    return source
  }

  private static func batch(_ examples: Int, microBatches: Int = 1) -> StepBatch {
    StepBatch(
      step: 0, epoch: 0, examples: Array(0..<examples)[...], shards: shards,
      microBatches: microBatches)
  }

  /// The folded mean gradient of the first examples, as a step sees it before it clips.
  private static func fold(
    _ source: ModelSource, _ batch: StepBatch
  ) throws -> Folded {
    let update = try source.update(.sgd(learningRate: 0.1))
    let step = try TrainingStep(
      source: source, update: update, shards: shards, on: SoloCollective())
    var folded: [Float] = []
    step.onFolded = { folded = Array($0[..<update.layout.count]) }
    let report = try step.run(batch)
    return Folded(gradient: folded, metrics: report.metrics)
  }

  /// The mean gradient of each shard, and its weight.
  private static func leaves(
    _ batch: StepBatch
  ) throws -> [(mean: [Double], weight: Double)] {
    let source = try source(nil)
    let count = source.memory.trainableLayout.count
    return try (0..<shards).map { shard in
      let leaf = Arena<Float>(count: source.layout.count)
      let numbers = Arena<Double>(count: ShardRecord.Column.metrics + source.metricColumns)
      let record = ShardRecord(values: numbers.buffer)
      try source.computeShard(shard, of: batch, into: leaf.buffer, record: record)
      return withExtendedLifetime((leaf, numbers)) {
        (leaf.buffer[..<count].map { Double($0) / max(record.weight, 1) }, record.weight)
      }
    }
  }

  private static func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test(arguments: [(64, 1), (61, 1), (64, 2), (5, 1)])
  func eachShardIsLimitedByItself(examples: Int, microBatches: Int) throws {
    let batch = Self.batch(examples, microBatches: microBatches)
    let leaves = try Self.leaves(batch)
    let norms = leaves.filter { $0.weight > 0 }.map { Self.norm($0.mean) }.sorted()
    // Some shards are limited and some are not.
    let limit = norms[norms.count / 2]
    let folded = try Self.fold(Self.source(ShardClip(norm: limit)), batch)
    var expected = [Double](repeating: 0, count: folded.gradient.count)
    let weight = leaves.reduce(0) { $0 + $1.weight }
    for leaf in leaves where leaf.weight > 0 {
      let scale = min(1, limit / Self.norm(leaf.mean)) * leaf.weight / weight
      for index in expected.indices { expected[index] += scale * leaf.mean[index] }
    }
    let largest = expected.reduce(0) { max($0, abs($1)) }
    for (index, value) in folded.gradient.enumerated() {
      #expect(abs(Double(value) - expected[index]) <= 2e-6 * largest, "\(index)")
    }
    // The mean of the norms, and the share that was limited.
    let (mean, share) = (folded.metrics.suffix(2).first ?? .nan, folded.metrics.last ?? .nan)
    let sum = norms.reduce(0, +)
    #expect(abs(mean * Double(norms.count) - sum) <= 1e-5 * sum)
    #expect(share == Double(norms.count { $0 > limit }) / Double(norms.count))
    #expect(share > 0 && share < 1)
  }

  /// A limit that nothing reaches changes no bit, whatever layout shards are added in without it.
  @Test func aHugeLimitChangesNothing() throws {
    let batch = Self.batch(64)
    let plain = try Self.fold(Self.source(nil), batch)
    let limited = try Self.fold(Self.source(ShardClip(norm: 1e9)), batch)
    #expect(bits(limited.gradient) == bits(plain.gradient))
    #expect(limited.metrics.last == 0)
    let again = try Self.fold(Self.source(ShardClip(norm: 1e12), threads: 3), batch)
    #expect(bits(again.gradient) == bits(limited.gradient))
  }

  /// With one example a shard it is the limit of each example.
  @Test func oneExampleAShardIsAnExample() throws {
    let data = try SyntheticData.blobs(count: 40, features: 9, classes: 3, seed: 5)
    func source(_ clip: ExampleClip?) throws -> ModelSource {
      try ModelSource(
        SingleInputModel(Sequential([Linear(20), Tanh(), Linear(3)])),
        losses: OutputLosses(SoftmaxCrossEntropy()), on: data, seed: 3, exampleClip: clip,
        admit: { _, _ in })
    }
    let batch = Self.batch(Self.shards)
    let limit = 0.9 * (try Self.fold(source(ExampleClip(norm: 1e9)), batch).metrics[1])
    let examples = try Self.fold(source(ExampleClip(norm: limit)), batch)
    let limited = try source(nil)
    limited.shardClip = ShardClip(norm: limit)
    let shards = try Self.fold(limited, batch)
    let largest = examples.gradient.reduce(0) { max($0, abs($1)) }
    for (one, other) in zip(examples.gradient, shards.gradient) {
      #expect(abs(one - other) <= 1e-5 * largest)
    }
    #expect((shards.metrics.last ?? 0) > 0)
  }

  @Test func nonsenseIsRefused() throws {
    let data = try SyntheticData.blobs(count: 40, features: 9, classes: 3, seed: 5)
    func training(_ change: (inout TrainingOptions) -> Void) throws -> Training {
      var options = TrainingOptions()
      options.shardClip = ShardClip(norm: 1)
      change(&options)
      return try Training(
        Sequential([Linear(3)]), on: data, loss: SoftmaxCrossEntropy(),
        update: .sgd(learningRate: 0.1), batchSize: 16, epochs: 1, options: options)
    }
    #expect(try training { _ in }.step.plan.shards == 1)
    #expect(throws: (any Error).self) { try training { $0.shardClip = ShardClip(norm: -1) } }
    for change: (inout TrainingOptions) -> Void in [
      { $0.hessianFree = HessianFreeOptions() }, { $0.sharpness = SharpnessAware() },
    ] {
      let error = #expect(throws: StepError.self) { try training(change) }
      #expect(error.map { "\($0)".contains("perShard") } ?? false, "\(error!)")
    }
  }
}
