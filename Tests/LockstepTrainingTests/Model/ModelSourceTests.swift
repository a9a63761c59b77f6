import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct ModelSourceTests {
  struct Settings: Sendable {
    var model: SmallModel
    var shards = 8
    var threads = 1
    var microBatches = 1
    var plain = false
    var precision = Precision.float32
  }

  struct Trace: Equatable, Sendable {
    var fingerprint: String
    var reports: [StepReport]
    var evaluation: EvaluationReport
    var weights: [Float]
  }

  /// Five steps over batches of 44, the last one a tail of five examples, fewer than there are
  /// shards; plain descent, or Adam with clipping and max-norm.
  static func train(_ settings: Settings, on group: any Collective) throws -> Trace {
    let source = try ModelSource(
      dataset: try SmallModel.dataset(count: 181), seed: 9,
      options: PlanOptions(precision: settings.precision), threads: settings.threads,
      trace: settings.model.trace)
    source.memory.initialize(seed: 4)
    let layout = source.memory.trainableLayout
    let chain =
      settings.plain
      ? Chain.sgd(learningRate: 0.05)
      : Chain(ClipByGlobalNorm(0.5)) + .adam(learningRate: 0.005)
    let rule = try UpdateRule(
      layout: layout, chain: chain,
      constraints: layout.slots.map { !settings.plain && $0.shape.count > 1 ? .maxNorm(1) : nil })
    let step = try TrainingStep(
      source: source, update: rule, shards: settings.shards, on: group)
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    try registry.add(step.update.stateEntries, of: step.update)
    let sampler = try Sampler(count: 181, batchSize: 44, seed: 2)
    var reports: [StepReport] = []
    for index in 0..<5 {
      reports.append(
        try step.run(
          StepBatch(
            step: index, epoch: 0, examples: try sampler.batch(), shards: settings.shards,
            microBatches: settings.microBatches)))
      sampler.advance()
    }
    let evaluator = try ModelEvaluator(source, on: try SmallModel.dataset(count: 53))
    return Trace(
      fingerprint: registry.fingerprint().description, reports: reports,
      evaluation: try evaluator.evaluation("test", shardSize: 16, on: group).run(),
      weights: withExtendedLifetime(source) { Array(source.parameters) })
  }

  @Test(arguments: SmallModel.allCases, [1, 2])
  func anyNumberOfRanksAndThreadsGivesTheSameBits(model: SmallModel, microBatches: Int) throws {
    var settings = Settings(model: model, microBatches: microBatches)
    let alone = try Self.train(settings, on: SoloCollective())
    #expect(alone.reports.contains { $0.update.clipped })
    #expect(alone.evaluation.examples == 53)
    for threads in [1, 2] {
      settings.threads = threads
      let same = settings
      for ranks in threads == 1 ? [2, 3, 4, 5, 7, 8] : [1, 3, 4] {
        for trace in try group(of: ranks, { try Self.train(same, on: $0) }) {
          #expect(trace == alone, "\(ranks) ranks, \(threads) threads")
        }
      }
    }
  }

  @Test(.enabled(if: ComputeLibrary.hasBFloat16, "\(Precision.missing)"))
  func anyNumberOfRanksAndThreadsGivesTheSameBitsInBFloat16() throws {
    for model in SmallModel.allCases {
      var settings = Settings(model: model, precision: .bfloat16)
      let alone = try Self.train(settings, on: SoloCollective())
      for threads in [1, 2] {
        settings.threads = threads
        let same = settings
        for ranks in 1...4 {
          for trace in try group(of: ranks, { try Self.train(same, on: $0) }) {
            #expect(trace == alone, "\(model), \(ranks) ranks, \(threads) threads")
          }
        }
      }
      settings.precision = .float32
      let exact = try Self.train(settings, on: SoloCollective())
      #expect(exact.fingerprint != alone.fingerprint)
    }
  }

  /// Not where batch statistics are a shard's. Dropout changes nothing: its masks belong to examples.
  @Test(arguments: [SmallModel.perceptron, .synchronized])
  func oneShardAgreesWithEightWithinRounding(model: SmallModel) throws {
    let eight = try Self.train(Settings(model: model, plain: true), on: SoloCollective())
    let one = try Self.train(Settings(model: model, shards: 1, plain: true), on: SoloCollective())
    #expect(eight.fingerprint != one.fingerprint, "different trees, different bits")
    for (a, b) in zip(eight.weights, one.weights) {
      #expect(abs(a - b) <= 1e-5 * max(abs(b), 1))
    }
  }

  @Test(arguments: SmallModel.allCases)
  func replayedShardsHaveTheBitsOfTheStep(model: SmallModel) throws {
    // With as many ranks as shards a partial is one leaf.
    let equal = try group(of: 8) { group -> [Bool] in
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 44), seed: 9, trace: model.trace)
      source.memory.initialize(seed: 4)
      let plan = try FoldPlan(
        shards: 8, ranks: 8, layout: source.layout, gradientSlotCount: source.gradientSlotCount)
      let partial = Arena<Float>(count: source.layout.count)
      let leaf = Arena<Float>(count: source.layout.count)
      let accumulator = ShardAccumulator(plan, rank: group.rank)
      try source.join(plan, on: group)
      return try [44, 5].map { count in
        let batch = StepBatch(step: 3, epoch: 0, examples: Array(0..<count)[...], shards: 8)
        let fold = try ScalarFold(runs: plan.shardRuns, metrics: 1, on: group)
        try fold.gather { records in
          try source.computeShards(
            of: batch, into: [partial.buffer], records: records, accumulator: accumulator)
        }
        try fold.gather { records in
          try source.computeShard(
            group.rank, of: batch, into: leaf.buffer, record: records[group.rank])
        }
        return bits(partial.values) == bits(leaf.values)
      }
    }
    #expect(equal.allSatisfy { $0 == [true, true] })
  }

  @Test(arguments: [SmallModel.convolutional, .synchronized])
  func aNaNInTheDataIsNamedAndChangesNothing(model: SmallModel) throws {
    for ranks in [1, 3] {
      let found = try group(of: ranks) { group -> (String, Bool) in
        var inputs = (0..<44 * 144).map { Float($0 % 7) / 7 }
        inputs[30 * 144 + 5] = .nan
        let source = try ModelSource(
          dataset: try Dataset(
            name: "spoiled", inputShape: [1, 12, 12], inputs: .floats(inputs),
            labels: .classes((0..<44).map { Int32($0 % 10) }, count: 10)), seed: 9,
          trace: model.trace)
        source.memory.initialize(seed: 4)
        let layout = source.memory.trainableLayout
        let step = try TrainingStep(
          source: source,
          update: try UpdateRule(layout: layout, chain: .adam()), shards: 8, on: group)
        let registry = StateRegistry()
        try registry.add(source.stateEntries, of: source)
        try registry.add(step.update.stateEntries, of: step.update)
        let before = registry.fingerprint()
        do {
          _ = try step.run(
            StepBatch(step: 0, epoch: 0, examples: Array(0..<44)[...], shards: 8))
          return ("no error", false)
        } catch { return ("\(error)", registry.fingerprint() != before) }
      }
      // Example 30 of 44 lies in shard 5 (27 ..< 33), which of three ranks the second computes.
      for (error, changed) in found {
        #expect(error.contains("in shard 5 on rank \(ranks == 1 ? 0 : 1)"))
        #expect(error.hasPrefix("step 1: not finite: conv1.weight[0] = nan"))
        #expect(!changed)
      }
    }
  }
}
