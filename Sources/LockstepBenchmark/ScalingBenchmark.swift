import LockstepPlatform
import LockstepCollective
import LockstepFiles
import LockstepTraining

/// Weak scaling: what the ranks train together against what they train each for itself at the same
/// time.
///
/// The batch grows with the ranks and a shard keeps its size, so that a rank computes the same
/// either way. Trained alone, ranks share cores, caches and memory as they do together, but neither
/// add gradients nor wait for each other: that is the ceiling, where one rank on an otherwise idle
/// machine would be too high a one.
package enum ScalingBenchmark {
  /// What to measure.
  package struct Options: Sendable {
    /// The model, the rule, and the batch and shards of a single rank.
    package var step: StepBenchmark.Options
    /// How often to measure; alone and together take turns.
    package var rounds = 15
    /// The length of a measurement in seconds.
    package var seconds = 0.4

    /// The defaults of a step, with a batch of 64 for each rank.
    package init() {
      step = StepBenchmark.Options()
      step.batchSize = 64
    }
  }

  /// What was measured.
  package struct Result: Sendable {
    /// The options of the measurement.
    package let options: Options
    /// The number of ranks.
    package let ranks: Int
    /// The shards of all ranks together.
    package let shards: Int
    /// Examples a second of all ranks, each for itself, summed.
    package let alone: Spread
    /// Examples a second of all ranks together.
    package let together: Spread
    /// The rate together over the mean of the rates alone before and after it.
    package let efficiency: Spread
    /// Seconds of a step that are there only together.
    package let overhead: Spread

    /// - Parameters:
    ///   - batchSize: the examples of a step together.
    ///   - alone: rates of all ranks, each for itself, one more than those together: before and after each.
    ///   - together: rates of all ranks together.
    package init(
      _ options: Options, ranks: Int, shards: Int, batchSize: Int, alone: [Double],
      together: [Double]
    ) {
      self.options = options
      self.ranks = ranks
      self.shards = shards
      self.alone = Spread(alone)
      self.together = Spread(together)
      let pairs = zip(together, zip(alone, alone.dropFirst()).map { ($0 + $1) / 2 })
      efficiency = Spread(pairs.map { $0 / $1 })
      overhead = Spread(pairs.map { Double(batchSize) * (1 / $0 - 1 / $1) })
    }

    /// An object with all numbers and their conditions.
    package var json: JSONValue {
      .object([
        "benchmark": .string("scaling"), "model": .string(options.step.model.rawValue),
        "ranks": .integer(ranks), "batchPerRank": .integer(options.step.batchSize),
        "shards": .integer(shards), "threads": .integer(options.step.threads),
        "alone": alone.json, "together": together.json, "efficiency": efficiency.json,
        "overheadSeconds": overhead.json,
      ])
    }
  }

  /// Shards of one size take a power of two of ranks.
  package struct UnequalShards: Error, CustomStringConvertible {
    let ranks: Int
    package var description: String {
      "weak scaling is measured with shards of one size, which \(ranks) ranks do not have: start a "
        + "power of two of them"
    }
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  ///
  /// - Throws: ``UnequalShards``, `GraphError`, and what the collective throws.
  public static func run(_ options: Options, on collective: any Collective) throws -> Result {
    let ranks = collective.size
    guard ranks & (ranks - 1) == 0 else { throw UnequalShards(ranks: ranks) }
    let own = try TrainingLoop(options.step, on: SoloCollective())
    var joined = options.step
    joined.batchSize *= ranks
    joined.shards = own.shards * ranks
    let common = try TrainingLoop(joined, on: collective)

    // Every rank goes on until the time is over, so that all of them run all the time.
    func alone(_ seconds: Double) throws -> Double {
      try collective.barrier()
      let start = SystemClock.seconds
      var steps = 0
      var end = start
      repeat {
        try own.run(steps: 1)
        steps += 1
        end = SystemClock.seconds
      } while end - start < seconds
      return try collective.allgather(Double(steps * own.batchSize) / (end - start)).reduce(0, +)
    }
    _ = try alone(1)
    let steps = max(Int(options.seconds / (try common.pace(on: collective))), 3)
    var alones = [try alone(options.seconds)]
    var togethers: [Double] = []
    for _ in 0..<options.rounds {
      let seconds = try common.seconds(steps: steps, on: collective)
      togethers.append(Double(steps * common.batchSize) / seconds)
      alones.append(try alone(options.seconds))
    }
    return Result(
      options, ranks: ranks, shards: common.shards, batchSize: common.batchSize, alone: alones,
      together: togethers)
  }
}
