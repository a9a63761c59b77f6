import LockstepCollective
import LockstepFold
import LockstepFiles
import LockstepTraining

/// Whole training steps against what the kernels and memory allow: the bare primitives of forward and
/// backward pass on cold operands, and moving the bytes that fold and update must (``StepTraffic``).
///
/// All ranks measure the bounds at once, as they compute at once in a step; the slowest counts. Bounds
/// are taken on the thread's own clock and are the least of three, so that a disturbance cannot make a
/// bound easier to keep; a step takes the time that passes.
package enum CeilingBenchmark {
  /// What was measured.
  package struct Result: Sendable {
    /// The options of the step.
    package let options: StepBenchmark.Options
    /// The number of ranks.
    package let ranks: Int
    /// The number of logical shards.
    package let shards: Int
    /// Whether each rank updated only the blocks that it owns.
    package let isSharded: Bool
    /// Seconds of the bare primitives of a rank's shards.
    package let primitives: Spread
    /// Seconds of the streaming bound of fold and update.
    package let streams: Spread
    /// The bytes of that bound, of the busiest rank.
    package let streamedBytes: Int
    /// Seconds a step.
    package let step: Spread
    /// The step's time over both bounds', each round's by itself.
    package let ratio: Spread
    /// The primitives' time over the step's: the share of the kernel ceiling that is reached.
    package let shareOfKernels: Spread

    /// An object with all numbers and their conditions.
    package var json: JSONValue {
      .object([
        "benchmark": .string("ceiling"), "model": .string(options.model.rawValue),
        "batch": .integer(options.batchSize), "ranks": .integer(ranks), "shards": .integer(shards),
        "precision": .string(options.plan.precision.rawValue),
        "update": .string(isSharded ? "sharded" : "replicated"),
        "primitives": primitives.json, "streams": streams.json,
        "streamedBytes": .integer(streamedBytes), "step": step.json, "ratio": ratio.json,
        "shareOfKernelCeiling": shareOfKernels.json,
      ])
    }
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  ///
  /// - Parameter options: of the step; its windows are the rounds. With one thread a rank.
  /// - Throws: `GraphError`, `FoldPlanError`, ``SeveralThreads``, ``UnequalShards`` and what the
  ///   collective throws.
  public static func run(
    _ options: StepBenchmark.Options, on collective: any Collective
  ) throws -> Result {
    guard options.threads == 1 else { throw SeveralThreads(threads: options.threads) }
    let loop = try TrainingLoop(options, on: collective)
    guard options.batchSize % loop.shards == 0 else {
      throw UnequalShards(batchSize: options.batchSize, shards: loop.shards)
    }
    let shardSize = options.batchSize / loop.shards
    let dataset = try options.model.dataset(
      count: max(shardSize, 2), sequence: options.sequence)
    let source = try options.model.source(on: dataset, options: options.plan)
    let caches = CacheFlush()
    let fold = try FoldPlan(shards: loop.shards, of: source, on: collective)
    let plan = try source.plan(examples: shardSize, in: fold.subtrees[collective.rank])
    let bare = try ColdPrimitives(plan, emptying: caches)
    let traffic = StepTraffic(fold, rank: collective.rank, isSharded: loop.isSharded)
    let streams = StepStreams(traffic, arenaCount: fold.layout.count, emptying: caches)
    let runs = Double(fold.shardRuns[collective.rank].count / plan.shards)

    func slowest(_ seconds: Double) throws -> Double { try collective.allgather(seconds).max()! }
    func primitives() throws -> Double {
      var least = [Double](repeating: .infinity, count: bare.labels.count)
      for _ in 0..<3 {
        least = zip(least, try bare.seconds(meeting: collective.barrier)).map { min($0, $1) }
      }
      return try slowest(least.reduce(0, +) * runs)
    }
    func streaming() throws -> Double {
      try slowest((0..<3).map { _ in try streams.seconds(meeting: collective.barrier) }.min()!)
    }

    let steps = max(Int(options.seconds / (try loop.pace(on: collective))), 3)
    _ = try bare.seconds(meeting: collective.barrier)
    _ = try streams.seconds(meeting: collective.barrier)
    var kernels: [Double] = []
    var bounds: [Double] = []
    var times: [Double] = []
    for _ in 0..<options.windows {
      kernels.append(try primitives())
      bounds.append(try streaming())
      try loop.run(steps: 1)
      times.append(try loop.seconds(steps: steps, on: collective) / Double(steps))
    }
    return Result(
      options: options, ranks: collective.size, shards: loop.shards,
      isSharded: loop.isSharded,
      primitives: Spread(kernels), streams: Spread(bounds),
      streamedBytes: try collective.allgather(traffic.bytes).max()!, step: Spread(times),
      ratio: Spread(times.indices.map { times[$0] / (kernels[$0] + bounds[$0]) }),
      shareOfKernels: Spread(zip(kernels, times).map { $0 / $1 }))
  }

  /// What runs on several threads is not bounded by what one of them needs.
  package struct SeveralThreads: Error, CustomStringConvertible {
    let threads: Int
    package var description: String {
      "the ceiling is measured with one thread a rank, not \(threads): start more ranks instead"
    }
  }

  /// Primitives are measured at one shape.
  package struct UnequalShards: Error, CustomStringConvertible {
    let batchSize: Int
    let shards: Int
    package var description: String {
      "the ceiling is measured with shards of one size, which \(shards) shards of \(batchSize) "
        + "examples do not have: set --batch to a multiple of the shards"
    }
  }
}
