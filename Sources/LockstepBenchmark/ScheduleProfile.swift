import LockstepPlatform
import LockstepEngine
import LockstepFiles
import LockstepTraining

/// Where one shard's forward and backward pass spends its time, step by step of the schedule.
package enum ScheduleProfile {
  /// One step of the schedule.
  package struct Entry: Sendable {
    /// The layer and the operation.
    package let label: String
    /// What runs: an implementation's name, or `kernel` for one of ours.
    package let implementation: String
    /// The least time of all repetitions, in seconds of the thread's own.
    package let seconds: Double
  }

  /// What was measured.
  package struct Result: Sendable {
    /// The steps, in the order of the schedule.
    package let entries: [Entry]
    /// The least time of a whole pass, unobserved.
    package let seconds: Double
  }

  /// Measures one lane of a model on shards of a size, on this thread alone.
  public static func run(
    _ model: BenchmarkModel, shardSize: Int, sequence: Int? = nil,
    options: PlanOptions = PlanOptions(),
    repetitions: Int = 30
  ) throws -> Result {
    let dataset = try model.dataset(count: shardSize, sequence: sequence)
    let source = try model.source(on: dataset, options: options)
    let plan = try source.plan(examples: shardSize)
    let lane = try Lane(plan)
    let leaf = Arena<Float>(count: plan.leafCount)
    try ExamplePorts(dataset, in: lane).loadAll(Array(0..<shardSize)[...], of: dataset)
    try plan.packParameters()
    var least = [Double](repeating: .infinity, count: plan.stepCount)
    var total = Double.infinity
    for _ in 0..<repetitions {
      try lane.profile(
        RunContext(), leaf: leaf.base, clock: { UInt64(SystemClock.threadSeconds * 1e9) }
      ) { step, start, end in
        least[step] = min(least[step], Double(end - start) * 1e-9)
      }
      let start = SystemClock.threadSeconds
      try lane.run(RunContext(), leaf: leaf.base)
      total = min(total, SystemClock.threadSeconds - start)
    }
    let implementations = plan.summary.suffix(least.count).map(\.implementation)
    return Result(
      entries: zip(zip(plan.labels, implementations), least).map {
        Entry(label: $0.0, implementation: $0.1, seconds: $1)
      }, seconds: total)
  }
}
