internal import CLockstepKernels
import LockstepEngine
import LockstepFold

/// Computes leaves on a lane: examples to the lane, forward, backward, numbers to the record.
final class LeafComputation {
  let model: TracedModel
  let plans: PlanCache
  let inputs: InputPipeline
  /// What is carried from batch to batch; nil for nothing.
  let carried: CarriedStates?

  init(
    _ model: TracedModel, _ plans: PlanCache, _ inputs: InputPipeline, _ carried: CarriedStates?
  ) {
    self.model = model
    self.plans = plans
    self.inputs = inputs
    self.carried = carried
  }

  /// Computes the leaf of a shard, or of several that their plan computes at once: in that plan's own
  /// layout, which takes single micro-batches that are not empty, or in the canonical one.
  func compute(
    _ shards: Range<Int>, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    addingTo sum: UnsafeMutableBufferPointer<Float>?, by plan: Plan?, _ records: ShardRecords,
    _ lane: LaneSet, announcing announcer: LeafAnnouncer? = nil
  ) throws {
    guard let plan else {
      return try compute(
        shards.lowerBound, of: batch, into: leaf, records[known: shards.lowerBound], lane)
    }
    lane.track?.begin(.shard, shards.lowerBound)
    defer { lane.track?.end() }
    let executor = try lane.executor(plan)
    let positions = batch.positions(ofShards: shards)
    try inputs.load(shards, of: batch, into: executor, lane)
    carried?.load(positions, of: batch, into: executor)
    announcer?.begin()
    try executor.lane.run(
      model.context(batch, positions), leaf: leaf.baseAddress,
      addingTo: sum?.baseAddress, on: lane.track, announcing: announcer)
    try announcer?.end()
    carried?.store(positions, from: executor)
    for shard in shards { model.note(executor, shard - shards.lowerBound, records[known: shard]) }
  }

  /// Computes a shard's leaf in the canonical layout, micro-batch by micro-batch.
  func compute(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    _ record: ShardRecord, _ lane: LaneSet
  ) throws {
    lane.track?.begin(.shard, shard)
    defer { lane.track?.end() }
    var isFirst = true
    for microBatch in 0..<batch.microBatches {
      let positions = batch.positions(ofShard: shard, microBatch: microBatch)
      guard !positions.isEmpty else { continue }
      let target = isFirst ? leaf : lane.scratchLeaf(count: model.layout.count)
      try compute(shard, at: positions, of: batch, into: target, record, lane)
      if !isFirst { model.isa.add(leaf, target) }
      isFirst = false
    }
    if isFirst { leaf.update(repeating: 0) }
  }

  /// Computes the gradient of the examples at some positions of a shard, in the canonical layout.
  func compute(
    _ shard: Int, at positions: Range<Int>, of batch: StepBatch,
    into target: UnsafeMutableBufferPointer<Float>, _ record: ShardRecord, _ lane: LaneSet
  ) throws {
    let executor = try lane.executor(plans.plan(positions.count, form: model.form(of: batch)))
    try executor.withCanonicalLeaf(target) {
      try inputs.load(shard, positions, of: batch, into: executor, lane)
      carried?.load(positions, of: batch, into: executor)
      try executor.lane.run(
        model.context(batch, positions), leaf: $0.baseAddress, addingTo: nil, on: lane.track)
      carried?.store(positions, from: executor)
      model.note(executor, 0, record)
    }
    model.limit(
      target, of: executor.lane, counts: positions.lowerBound < batch.present, record)
  }
}

extension InstructionSet {
  /// a += b, elementwise.
  func add(
    _ a: UnsafeMutableBufferPointer<Float>, _ b: UnsafeMutableBufferPointer<Float>
  ) {
    guard let to = a.baseAddress, let from = b.baseAddress else { return }
    arenaKernels.pointee.add(to, to, from, a.count)
  }
}
