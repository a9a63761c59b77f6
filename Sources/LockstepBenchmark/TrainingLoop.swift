import LockstepPlatform
import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepOptimization
import LockstepTraining

/// A model in training on made-up examples that lie in memory: step after step as `lockstep train`
/// takes them, over sixteen batches again and again.
final class TrainingLoop {
  let batchSize: Int
  let shards: Int
  let isSharded: Bool
  /// The mean loss of the last step.
  private(set) var loss = 0.0

  private let step: TrainingStep
  private let examples: [Int]
  private static let batches = 16

  /// Called by all ranks with equal options.
  ///
  /// - Throws: `GraphError`, `FoldPlanError` where there are more ranks than shards, and what the
  ///   collective throws.
  init(_ options: StepOptions, on collective: any Collective) throws {
    batchSize = options.batchSize
    shards = options.shards ?? FoldPlan.defaultShards(batchSize: options.batchSize)
    examples = Array(0..<batchSize * Self.batches)
    let dataset = try options.model.dataset(count: examples.count, sequence: options.sequence)
    let source = try options.model.source(
      on: dataset, options: options.plan, threads: options.threads)
    let plan = try FoldPlan(shards: shards, of: source, on: collective)
    isSharded = try options.sharing.isSharded(
      source, plan, nonFinite: .stop, batchSize: batchSize, on: collective)
    let owned = isSharded ? plan.gradientBlocks(ofRank: collective.rank) : nil
    step = try TrainingStep(
      source: source, update: try Self.update(options, of: source, owning: owned), shards: shards,
      wire: options.wire, on: collective)
  }

  private static func update(
    _ options: StepOptions, of source: ModelSource, owning owned: Range<Int>?
  ) throws -> UpdateRule {
    let layout = source.memory.trainableLayout
    let clips = options.clip.map { [ClipByGlobalNorm($0)] } ?? []
    let radius = options.model.sequence == nil ? options.maxNorm : nil
    return try UpdateRule(
      layout: layout, chain: Chain(clips) + .adam(),
      constraints: layout.slots.map { slot in
        slot.shape.count > 1 ? radius.map { .maxNorm($0) } : nil
      }, owning: owned)
  }

  /// The bytes that this rank keeps for the optimizer.
  var optimizerBytes: Int {
    step.update.stateEntries.reduce(0) { $0 + $1.byteCount }
  }

  /// Takes steps.
  func run(steps: Int) throws {
    for _ in 0..<steps {
      let start = step.completed % Self.batches * batchSize
      let batch = StepBatch(
        step: step.completed, epoch: 0, examples: examples[start..<start + batchSize],
        shards: shards)
      loss = try step.run(batch).loss
    }
  }

  /// The seconds that all ranks need for a number of steps.
  func seconds(steps: Int, on collective: any Collective) throws -> Double {
    try collective.barrier()
    let start = SystemClock.seconds
    try run(steps: steps)
    try collective.barrier()
    return try collective.valueOfRoot(SystemClock.seconds - start)
  }

  /// Warms up, for half a second or three steps, and finds out how long a step takes.
  func pace(on collective: any Collective) throws -> Double {
    let first = try seconds(steps: 3, on: collective) / 3
    guard first < 0.2 else { return first }
    let pace = try seconds(steps: 10, on: collective) / 10
    _ = try seconds(steps: Int(min(0.5 / pace, 500)), on: collective)
    return pace
  }
}

extension StateEntry {
  /// The bytes of its buffer.
  fileprivate var byteCount: Int {
    switch storage {
    case .arena(let values, _): values.count * MemoryLayout<Float>.stride
    case .floats(let values): values.count * MemoryLayout<Float>.stride
    case .doubles(let values): values.count * MemoryLayout<Double>.stride
    case .integers(let values): values.count * MemoryLayout<Int64>.stride
    }
  }
}

extension Collective {
  /// Rank 0's value, on all ranks.
  func valueOfRoot(_ value: Double) throws -> Double {
    var value = value
    try withUnsafeMutableBytes(of: &value) { try broadcast($0, root: 0) }
    return value
  }
}
