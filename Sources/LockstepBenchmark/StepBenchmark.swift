import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepTraining

/// Whole training steps as `lockstep train` takes them: forward, backward, fold, norm, clip, Adam,
/// max-norm.
package enum StepBenchmark {
  /// What to measure.
  package typealias Options = StepOptions

  /// What was measured.
  package struct Result: Sendable {
    /// The options of the measurement.
    package let options: Options
    /// The number of ranks.
    package let ranks: Int
    /// The number of logical shards.
    package let shards: Int
    /// Whether every rank updated the blocks that it owns alone.
    package let isSharded: Bool
    /// Examples a second of all ranks together.
    package let examplesPerSecond: Spread
    /// Seconds a step.
    package let step: Spread
    /// The bytes that rank 0's host sent to other hosts, a step; nil where the system does not say.
    package let networkBytesPerStep: Double?
    /// The bytes of the optimizer's state, of the rank that has most.
    package let optimizerBytes: Int
    /// The proportional memory of a rank in bytes, the mean of all, behind the last step.
    package let memory: Double
    /// The mean loss of the last step: that something was trained.
    package let loss: Double

    /// An object with `examplesPerSecond` (the median) and the conditions beside it.
    package var json: JSONValue {
      .object([
        "program": .string("Lockstep"),
        "model": .string(options.model.rawValue),
        "sequence": (options.sequence ?? options.model.sequence).map { .integer($0) } ?? .null,
        "batch": .integer(options.batchSize),
        "shards": .integer(shards),
        "ranks": .integer(ranks),
        "threads": .integer(options.threads),
        "update": .string(isSharded ? "sharded" : "replicated"),
        "precision": .string(options.plan.precision.rawValue),
        "wire": .string(options.wire == .float32 ? "float32" : "bfloat16"),
        "examplesPerSecond": .number(examplesPerSecond.median),
        "slowest": .number(examplesPerSecond.smallest),
        "fastest": .number(examplesPerSecond.largest),
        "secondsPerStep": step.json,
        "networkBytesPerStep": networkBytesPerStep.map { .number($0) } ?? .null,
        "optimizerBytes": .integer(optimizerBytes),
        "proportionalMemory": .number(memory),
        "loss": .number(loss),
      ])
    }
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  ///
  /// - Throws: `GraphError`, `FoldPlanError` where there are more ranks than shards, and what the
  ///   collective throws.
  public static func run(_ options: Options, on collective: any Collective) throws -> Result {
    let loop = try TrainingLoop(options, on: collective)
    let pace = try loop.pace(on: collective)
    let steps = max(Int(options.seconds / pace), 3)
    let sent = NetworkCounters.sentBytes()
    let times = try (0..<options.windows).map { _ in
      try loop.seconds(steps: steps, on: collective) / Double(steps)
    }
    var network: Double?
    if let sent, let now = NetworkCounters.sentBytes() {
      network = Double(now - sent) / Double(steps * options.windows)
    }
    let memory = try collective.allgather(Double(ResidentMemory.proportionalBytes))
    return Result(
      options: options, ranks: collective.size, shards: loop.shards,
      isSharded: loop.isSharded,
      examplesPerSecond: Spread(times.map { Double(options.batchSize) / $0 }), step: Spread(times),
      networkBytesPerStep: network,
      optimizerBytes: try collective.allgather(loop.optimizerBytes).max()!,
      memory: memory.reduce(0, +) / Double(memory.count), loss: loop.loss)
  }
}
