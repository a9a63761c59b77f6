import LockstepFold
internal import CLockstepKernels
import LockstepEngine

extension ModelSource: CurvatureSource {
  package var hasRecurrentStates: Bool {
    get throws { try !model.trace(2, true).loss.graph.recurrentStates.isEmpty }
  }

  package var vector: UnsafeMutableBufferPointer<Float> {
    if let direction = curvature.direction { return direction.buffer }
    let direction = Arena<Float>(count: memory.trainableLayout.count)
    curvature.direction = direction
    return direction.buffer
  }

  package func computeProducts(
    of batch: StepBatch, dampingStates factor: Double,
    into partials: [UnsafeMutableBufferPointer<Float>], records: ShardRecords,
    accumulator: ShardAccumulator, repeated: Bool
  ) throws {
    let work = ShardWork.product(dampsStates: factor != 0)
    curvature.stateDamping = Float(factor)
    for plan in try plans(for: work, batch, records.shards) {
      if !repeated { try plan.packParameters() }
      try plan.packVector()
    }
    try fold(work, batch, into: partials, records, accumulator)
  }

  package func computeSquaredProbes(
    of batch: StepBatch, draw: Int, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    for plan in try plans(for: .probe(draw), batch, records.shards) { try plan.packParameters() }
    try fold(.probe(draw), batch, into: partials, records, accumulator)
  }

  package func computeLosses(of batch: StepBatch, records: ShardRecords) throws {
    for plan in try plans(for: .loss, batch, records.shards) { try plan.packParameters() }
    let runs = FoldPlan.runs(of: records.shards.count, over: crew.size)
    try crew.run { thread in
      for index in runs[thread] {
        let shard = records.shards.lowerBound + index
        for microBatch in 0..<batch.microBatches {
          let positions = batch.positions(ofShard: shard, microBatch: microBatch)
          guard !positions.isEmpty else { continue }
          let executor = try lanes[thread].executor(plan(positions.count, for: .loss))
          try run(
            .loss, executor, shard, positions, of: batch, into: nil, record: records[known: shard],
            lanes[thread])
        }
      }
    }
  }

  /// Computes canonical leaves and adds them up to the rank's subtrees.
  private func fold(
    _ work: ShardWork, _ batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    _ records: ShardRecords, _ accumulator: ShardAccumulator
  ) throws {
    if crew.size == 1 {
      return try accumulator.accumulate(into: partials) { shard, leaf in
        try compute(work, shard, of: batch, into: leaf, records[known: shard], lanes[0])
      }
    }
    let fold: ThreadedFold
    if let known = curvature.fold, known.shards == records.shards,
      known.rounding == accumulator.rounding
    {
      fold = known
    } else {
      fold = ThreadedFold(
        shards: records.shards, subtrees: accumulator.subtrees, threads: crew.size,
        count: layout.count, rounding: accumulator.rounding)
      curvature.fold = fold
    }
    try crew.run { thread in
      guard thread < fold.shares.count else { return }
      let share = fold.shares[thread]
      try share.accumulator.accumulate(into: share.partials) { shard, leaf in
        try compute(work, shard, of: batch, into: leaf, records[known: shard], lanes[thread])
      }
    }
    try crew.run { fold.join(thread: $0, into: partials) }
  }

  private func compute(
    _ work: ShardWork, _ shard: Int, of batch: StepBatch,
    into leaf: UnsafeMutableBufferPointer<Float>, _ record: ShardRecord, _ lane: LaneSet
  ) throws {
    lane.track?.begin(.shard, shard)
    defer { lane.track?.end() }
    var isFirst = true
    for microBatch in 0..<batch.microBatches {
      let positions = batch.positions(ofShard: shard, microBatch: microBatch)
      guard !positions.isEmpty else { continue }
      let executor = try lane.executor(plan(positions.count, for: work))
      let target = isFirst ? leaf : lane.scratchLeaf(count: layout.count)
      try executor.withCanonicalLeaf(target) {
        try run(work, executor, shard, positions, of: batch, into: $0, record: record, lane)
      }
      if !isFirst { model.isa.add(leaf, target) }
      isFirst = false
    }
    if isFirst { leaf.update(repeating: 0) }
    if work.squaresLeaves { model.isa.square(leaf) }
  }

  private func run(
    _ work: ShardWork, _ executor: ShardExecutor, _ shard: Int, _ positions: Range<Int>,
    of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>?, record: ShardRecord,
    _ lane: LaneSet
  ) throws {
    try inputs.load(shard, positions, of: batch, into: executor, lane)
    if let factor = executor.lane.input(ShardWork.stateDamping) {
      factor.storeBytes(of: curvature.stateDamping, as: Float.self)
    }
    try executor.lane.run(
      model.context(batch, positions), leaf: leaf?.baseAddress, addingTo: nil, on: lane.track)
    let examples = Double(positions.count)
    record.weight += model.numbers.weight(
      executor.lane, at: work == .loss ? 1 : 0, examples: examples)
    record.examples += examples
    if work == .loss { record.loss += Double(executor.lane.scalar(0)) }
  }

  // MARK: Plans

  /// The plans that the shards need, once each.
  private func plans(
    for work: ShardWork, _ batch: StepBatch, _ shards: Range<Int>
  ) throws -> [Plan] {
    var sizes: [Int] = []
    for shard in shards {
      for microBatch in 0..<batch.microBatches {
        let size = batch.positions(ofShard: shard, microBatch: microBatch).count
        if size > 0, !sizes.contains(size) { sizes.append(size) }
      }
    }
    return try sizes.map { try plan($0, for: work) }
  }

  /// The plan for a number of examples. Threads only ask for plans that exist already.
  private func plan(_ count: Int, for work: ShardWork) throws -> Plan {
    let key = CurvatureMemory.Key(work: work, count: count)
    if let plan = curvature.plans[key] { return plan }
    guard model.forms.count == 1 else {
      throw GraphError(
        "a Hessian-free step takes sequences of one padded length: give one in 'data.lengths'")
    }
    let objective = try model.trace(count, true)
    try ObjectiveInputs(objective, count: count).check(fillableBy: dataset)
    let program = try work.program(objective)
    guard memory.fits(program) else {
      throw GraphError("the model declares other parameters for \(count) examples than for 2")
    }
    let plan = try Plan(
      program, parameters: memory.parameters, statistics: memory.runningStatistics, isa: model.isa,
      options: model.options, vector: work.isProduct ? vector : nil)
    curvature.plans[key] = plan
    return plan
  }
}

extension InstructionSet {
  /// a = a², elementwise.
  fileprivate func square(_ a: UnsafeMutableBufferPointer<Float>) {
    guard let base = a.baseAddress else { return }
    lockstep_vector_kernels_for(lockstep_isa(rawValue: rawValue)).pointee.square(base, a.count)
  }
}
