import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining

/// Whole training steps as `lockstep train` takes them: forward, backward, fold, norm, clip, Adam,
/// max-norm.
public enum StepBenchmark {
  public struct Options: Sendable {
    public var model = BenchmarkModel.mlp
    /// The global batch size.
    public var batchSize = 128
    /// The number of logical shards; nil for the default of the batch size.
    public var shards: Int?
    /// Threads a rank.
    public var threads = 1
    /// The global norm to clip at; nil for none.
    public var clip: Double? = 1
    /// The radius that rows of kernels are kept within; nil for none.
    public var maxNorm: Float? = 3
    /// Whether every rank updates the blocks that it owns alone.
    public var isSharded = true
    /// The number of measurements.
    public var windows = 7
    /// The length of a measurement in seconds.
    public var seconds = 0.5

    public init() {}
  }

  public struct Result: Sendable {
    public let options: Options
    public let ranks: Int
    public let shards: Int
    public let examplesPerSecond: Spread
    /// Seconds a step.
    public let step: Spread
    /// The mean loss of the last step: that something was trained.
    public let loss: Double

    /// An object with `examplesPerSecond` (the median) and the conditions beside it.
    public var json: JSONValue {
      .object([
        "program": .string("Lockstep"),
        "model": .string(options.model.rawValue),
        "batch": .integer(options.batchSize),
        "shards": .integer(shards),
        "ranks": .integer(ranks),
        "threads": .integer(options.threads),
        "update": .string(options.isSharded ? "sharded" : "replicated"),
        "precision": .string("float32"),
        "examplesPerSecond": .number(examplesPerSecond.median),
        "slowest": .number(examplesPerSecond.smallest),
        "fastest": .number(examplesPerSecond.largest),
        "secondsPerStep": step.json,
        "loss": .number(loss),
      ])
    }
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  ///
  /// - Throws: `GraphError`, `FoldPlanError` where there are more ranks than shards, and what the
  ///   collective throws.
  public static func run(_ options: Options, on collective: any Collective) throws -> Result {
    let count = options.batchSize * 16
    let dataset = try options.model.dataset(count: count)
    let source = try options.model.source(on: dataset, threads: options.threads)
    let shards = options.shards ?? FoldPlan.defaultShards(batchSize: options.batchSize)
    let plan = try FoldPlan(shards: shards, of: source, on: collective)
    let owned = options.isSharded ? plan.gradientBlocks(ofRank: collective.rank) : nil
    let step = try TrainingStep(
      source: source, update: try update(options, of: source, owning: owned), shards: shards,
      on: collective)
    let examples = Array(0..<count)
    var loss = 0.0
    func takeStep() throws {
      let start = step.completed % 16 * options.batchSize
      let batch = StepBatch(
        step: step.completed, epoch: 0, examples: examples[start..<start + options.batchSize],
        shards: shards)
      loss = try step.run(batch).loss
    }
    func seconds(steps: Int) throws -> Double {
      try collective.barrier()
      let start = Clock.wall()
      for _ in 0..<steps { try takeStep() }
      try collective.barrier()
      return Clock.wall() - start
    }

    _ = try seconds(steps: 3)
    let pace = try fromRoot(try seconds(steps: 10), on: collective) / 10
    _ = try seconds(steps: Int(min(0.5 / pace, 500)))
    let steps = max(Int(options.seconds / pace), 3)
    let times = try (0..<options.windows).map { _ in
      try fromRoot(try seconds(steps: steps), on: collective) / Double(steps)
    }
    return Result(
      options: options, ranks: collective.size, shards: shards,
      examplesPerSecond: Spread(times.map { Double(options.batchSize) / $0 }), step: Spread(times),
      loss: loss)
  }

  private static func update(
    _ options: Options, of source: ModelSource, owning owned: Range<Int>?
  ) throws -> ChainUpdate {
    let layout = source.memory.trainableLayout
    let clips = options.clip.map { [ClipByGlobalNorm($0)] } ?? []
    let rule = try UpdateRule(
      layout: layout, chain: Chain(clips) + .adam(),
      constraints: layout.slots.map { slot in
        slot.shape.count > 1 ? options.maxNorm.map { .maxNorm($0) } : nil
      }, owning: owned)
    return owned == nil ? ChainUpdate(rule) : ShardedChainUpdate(rule)
  }

  /// Rank 0's value, on all ranks.
  static func fromRoot(_ value: Double, on collective: any Collective) throws -> Double {
    var value = value
    try withUnsafeMutableBytes(of: &value) { try collective.broadcast($0, root: 0) }
    return value
  }
}
