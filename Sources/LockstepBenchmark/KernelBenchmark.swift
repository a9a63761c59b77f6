import LockstepPlatform
import LockstepEngine
import LockstepFiles
import LockstepTraining

/// A shard's forward and backward pass against the sum of its bare primitives, each alone and on
/// operands that are in no cache: the kernel ceiling.
package enum KernelBenchmark {
  /// What to measure.
  package struct Options: Sendable {
    /// The model.
    package var model = BenchmarkModel.mlp
    /// The number of positions of an example; the model's own if nil.
    package var sequence: Int?
    /// The number of examples of the shard.
    package var shardSize = 32
    /// The number of measurements, of which the least counts.
    package var repetitions = 15
    /// How the model is computed.
    package var plan = PlanOptions()

    /// The defaults: the perceptron with 32 examples.
    package init() {}
  }

  /// What was measured.
  package struct Result: Sendable {
    /// The options of the measurement.
    package let options: Options
    /// Seconds of the bare primitives, summed.
    package let primitives: Double
    /// Seconds of the pass, between passes of which the caches were emptied too.
    package let pass: Double
    /// The pass's time over the primitives'.
    package var ratio: Double { pass / primitives }
    /// The primitives, with the least time of each.
    package let parts: [(label: String, seconds: Double)]

    /// An object with all numbers.
    package var json: JSONValue {
      .object([
        "benchmark": .string("kernels"), "model": .string(options.model.rawValue),
        "shardSize": .integer(options.shardSize),
        "convolutions": .string(options.plan.convolutions.rawValue),
        "precision": .string(options.plan.precision.rawValue),
        "primitives": .number(primitives), "pass": .number(pass), "ratio": .number(ratio),
        "parts": .array(
          parts.map { .object(["label": .string($0.label), "seconds": .number($0.seconds)]) }),
      ])
    }
  }

  /// Measures, on this thread's own clock, so that other programs' time does not count. Minima over
  /// repetitions.
  public static func run(_ options: Options) throws -> Result {
    let dataset = try options.model.dataset(
      count: options.shardSize, sequence: options.sequence)
    let source = try options.model.source(on: dataset, options: options.plan)
    let plan = try source.plan(examples: options.shardSize)
    let lane = try Lane(plan)
    let leaf = Arena<Float>(count: plan.leafCount)
    try ExamplePorts(dataset, in: lane).loadAll(
      Array(0..<options.shardSize)[...], of: dataset)
    try plan.packParameters()
    let caches = CacheFlush()
    let primitives = try ColdPrimitives(plan, emptying: caches)
    var least = [Double](repeating: .infinity, count: primitives.labels.count)
    var pass = Double.infinity
    for _ in 0..<options.repetitions {
      for (index, seconds) in try primitives.seconds().enumerated() {
        least[index] = min(least[index], seconds)
      }
      caches.run()
      let start = SystemClock.threadSeconds
      try lane.run(RunContext(), leaf: leaf.base)
      pass = min(pass, SystemClock.threadSeconds - start)
    }
    return Result(
      options: options, primitives: least.reduce(0, +), pass: pass,
      parts: zip(primitives.labels, least).map { ($0, $1) })
  }
}
