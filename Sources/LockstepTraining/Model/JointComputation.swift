import LockstepCollective
import LockstepFold
import LockstepEngine

/// Computes shards that see each other: all ranks go through a micro-batch part by part, and fold in
/// between.
final class JointComputation: ShardComputer {
  private let model: TracedModel
  private let plans: PlanCache
  private let inputs: InputPipeline
  private let carried: CarriedStates?
  private let crew: Crew
  private let folds: ThreadedFolds
  /// The shards of the step that joined.
  private var joint: JointShards?

  private var synchronizations: [SynchronizationPoint] { model.synchronizations }

  init(_ leaves: LeafComputation, by crew: Crew) {
    model = leaves.model
    plans = leaves.plans
    inputs = leaves.inputs
    carried = leaves.carried
    self.crew = crew
    folds = ThreadedFolds(leaves.model, threads: crew.size)
  }

  /// Learns which ranks compute which shards.
  func join(_ plan: FoldPlan, on collective: any Collective) {
    joint = JointShards(
      JointFold(plan, synchronizations, on: collective), threads: crew.size,
      metrics: model.numbers.columns + (model.logits?.columns.count ?? 0))
  }

  /// Throws where a batch has too few examples for what sees all of them.
  func check(_ batch: StepBatch) throws {
    for microBatch in 0..<batch.microBatches {
      let examples = (0..<batch.shards).reduce(0) {
        $0 + batch.positions(ofShard: $1, microBatch: microBatch).count
      }
      for synchronization in synchronizations {
        do { try synchronization.check(examples: examples) } catch {
          throw GraphError(
            "a batch of \(batch.examples.count) example\(batch.examples.count == 1 ? "" : "s")"
              + (batch.microBatches > 1 ? " in \(batch.microBatches) micro-batches" : "")
              + ": \(error)")
        }
      }
    }
  }

  /// Lets the other ranks know, where they wait in the first fold, that this one takes no part.
  func decline(because failure: any Error) throws {
    if let joint { _ = try joint.fold.fold(0, failure: failure) }
  }

  /// See `GradientSource/firstNotFinite(ofShard:)`.
  func firstNotFinite(ofShard shard: Int) -> Int {
    joint.map { $0.fold.firstNotFinite[shard - $0.shards.lowerBound] } ?? .max
  }

  /// Computes this rank's shards beside all others. A rank that fails goes on to the next fold, so that
  /// the others hear of it there.
  func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    guard let joint, joint.shards == records.shards else {
      throw GraphError("a model with synchronised layers is computed by the step that joined it")
    }
    joint.fold.begin()
    joint.computed = nil
    var failure: (any Error)?
    func attempt(_ work: () throws -> Void) {
      guard failure == nil else { return }
      do { try work() } catch { failure = error }
    }
    var packing: Plan?
    attempt { packing = try prepare(joint, batch, accumulator) }
    for microBatch in 0..<batch.microBatches {
      attempt {
        try everyShard(of: joint) {
          let positions = batch.positions(
            ofShard: joint.shards.lowerBound + $0, microBatch: microBatch)
          try load(
            joint.shards.lowerBound + $0, $1, positions, of: batch, isPacked: packing != nil)
        }
      }
      for part in 0...synchronizations.count {
        attempt { try everyShard(of: joint) { try run(part, $1, at: $0, joint.fold) } }
        if part < synchronizations.count {
          attempt { try Fault.reach(.meeting, rank: joint.fold.rank) }
          let folded = try joint.fold.fold(part, failure: failure)
          for state in joint.states {
            if let lane = state.executor?.lane {
              _ = lane.vector(part).update(fromContentsOf: folded)
            }
          }
        }
      }
      attempt {
        try everyShard(of: joint) {
          try finish($1, records[known: joint.shards.lowerBound + $0], isPacked: packing != nil)
        }
      }
    }
    if let failure { throw failure }
    for state in joint.states where !state.hasLeaf { state.leaf.update(repeating: 0) }
    let fold = jointFold(joint, accumulator, packing)
    for (position, share) in fold.shares.enumerated() {
      share.accumulator.finish(joint.shards.lowerBound + position, joint.states[position].leaf)
    }
    let destinations = packing == nil ? partials : fold.partials
    try crew.run { fold.join(thread: $0, into: destinations) }
    if let packing { try joint.states[0].lanes.unpack(fold, packing, into: partials) }
    joint.keep(records)
    joint.computed = JointShards.Computed(step: batch.step, packing: packing)
  }

  /// Hands out a leaf that ``computeShards(of:into:records:accumulator:)`` left, with its numbers.
  func copy(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    _ record: ShardRecord
  ) throws {
    guard let joint, let computed = joint.computed, computed.step == batch.step,
      joint.shards.contains(shard)
    else {
      throw GraphError("shard \(shard) sees all others, and is computed with all of them only")
    }
    let state = joint.states[shard - joint.shards.lowerBound]
    if let packing = computed.packing {
      try state.lanes.executor(packing).unpack(state.leaf, into: leaf)
    } else {
      _ = leaf.update(fromContentsOf: state.leaf)
    }
    let kept = joint.kept(shard - joint.shards.lowerBound)
    for index in kept.indices { record.values[index] += kept[index] }
  }

  // MARK: Parts

  /// Runs `body` for all of this rank's shards, a run of them on each thread.
  private func everyShard(
    of joint: JointShards, _ body: (_ position: Int, _ state: JointShards.State) throws -> Void
  ) throws {
    try crew.run { thread in
      for position in joint.runs[thread] { try body(position, joint.states[position]) }
    }
  }

  /// Converts the parameters and makes place for the leaves; returns the plan whose layout they have, nil
  /// for the canonical one.
  private func prepare(
    _ joint: JointShards, _ batch: StepBatch, _ accumulator: ShardAccumulator
  ) throws -> Plan? {
    let packing = try plans.pack(for: joint.shards, of: batch)?.packing
    let fold = jointFold(joint, accumulator, packing)
    for (state, share) in zip(joint.states, fold.shares) {
      state.leaf = share.partials[0]
      state.hasLeaf = false
    }
    return packing
  }

  private func jointFold(
    _ joint: JointShards, _ accumulator: ShardAccumulator, _ packing: Plan?
  ) -> ThreadedFold {
    folds.fold(joint.shards, accumulator, packing, parts: joint.shards.count)
  }

  /// Copies a micro-batch's examples to the shard's lane.
  private func load(
    _ shard: Int, _ state: JointShards.State, _ positions: Range<Int>, of batch: StepBatch,
    isPacked: Bool
  ) throws {
    state.executor = nil
    guard !positions.isEmpty else { return }
    let executor = try state.lanes.executor(
      plans.plan(positions.count, form: model.form(of: batch)))
    try inputs.load(shard, positions, of: batch, into: executor, state.lanes)
    carried?.load(positions, of: batch, into: executor)
    state.positions = positions
    state.context = model.context(batch, positions)
    state.place = state.hasLeaf ? state.lanes.scratchLeaf(count: model.layout.count) : state.leaf
    state.target = isPacked ? state.place : executor.destination(of: state.place)
    state.executor = executor
  }

  /// Runs a part of a shard's schedule and leaves what is to be folded behind it.
  private func run(
    _ part: Int, _ state: JointShards.State, at position: Int, _ fold: JointFold
  ) throws {
    if let executor = state.executor {
      try executor.lane.run(segment: part, state.context, leaf: state.target.baseAddress)
    }
    guard part < synchronizations.count else { return }
    let vector = fold.vector(position, of: part)
    if let lane = state.executor?.lane {
      _ = vector.update(fromContentsOf: lane.vector(part))
    } else {
      vector.update(repeating: 0)
    }
  }

  /// Adds a micro-batch's gradient and numbers to its shard's.
  private func finish(
    _ state: JointShards.State, _ record: ShardRecord, isPacked: Bool
  ) throws {
    guard let executor = state.executor else { return }
    carried?.store(state.positions, from: executor)
    model.note(executor, 0, record)
    if !isPacked { try executor.bring(to: state.place) }
    if state.hasLeaf { model.isa.add(state.leaf, state.place) }
    state.hasLeaf = true
  }
}
