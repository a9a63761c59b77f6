import LockstepCollective
import LockstepFold
import LockstepEngine

/// Finds the shard, the rank, the tensor and the index where a value first was not finite, by
/// computing the step's shards once more.
struct OriginSearch {
  let plan: FoldPlan
  let source: any GradientSource
  let collective: any Collective

  /// The names of the tensors that blocks belong to, in declaration order.
  func tensors(of blocks: [Int]) -> [String] {
    var slots: [Int] = []
    for block in blocks where slots.last != plan.blocks[block].slot {
      slots.append(plan.blocks[block].slot)
    }
    return slots.map { plan.layout.slots[$0].name }
  }

  /// Replays this rank's shards and agrees with the others on the lowest one that is not finite.
  /// Called by all ranks.
  ///
  /// - Parameter step: the number of the step, from 1.
  func replay(_ batch: StepBatch, step: Int) throws -> NonFiniteError.Origin? {
    let found = try findings(batch, step)
    let size = MemoryLayout<Finding>.stride
    var all = [Finding](repeating: Finding(), count: collective.size)
    try withUnsafeBytes(of: found) { mine in
      try all.withUnsafeMutableBytes {
        try collective.allgather(
          mine, counts: Array(repeating: size, count: collective.size), into: $0)
      }
    }
    // Ranks are in shard order, so the first of those that found something first has the lowest shard.
    let first = all.filter { $0.shard >= 0 }.map(\.meetings).min()
    for (rank, finding) in all.enumerated() where finding.shard >= 0 && finding.meetings == first {
      return NonFiniteError.Origin(
        shard: Int(finding.shard), rank: rank,
        tensor: finding.slot < 0 ? nil : plan.layout.slots[Int(finding.slot)].name,
        index: Int(finding.index), value: finding.value, loss: finding.loss,
        example: finding.example < 0 ? nil : Int(finding.example))
    }
    return nil
  }

  /// What a rank tells the others; shard −1 for nothing, slot −1 for the loss.
  private struct Finding: BitwiseCopyable {
    var shard: Int64 = -1
    var slot: Int64 = -1
    var index: Int64 = 0
    var value: Double = 0
    var loss: Double = 0
    /// The example; −1 where none is known.
    var example: Int64 = -1
    /// Behind how many meetings of all shards it was found.
    var meetings: Int64 = .max
  }

  private func findings(_ batch: StepBatch, _ step: Int) throws -> Finding {
    let leaf = Arena<Float>(count: plan.layout.count)
    let numbers = Arena<Double>(count: ShardRecord.Column.metrics + source.metricColumns)
    // The buffers below must outlive the last mention of the arenas that own them.
    defer { withExtendedLifetime((leaf, numbers)) {} }
    let record = ShardRecord(values: numbers.buffer)
    // Where shards see each other, what is not finite spreads: the first one to have it comes first.
    let order = plan.shardRuns[collective.rank].map { ($0, source.firstNotFinite(ofShard: $0)) }
      .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    for (shard, meetings) in order {
      numbers.buffer.update(repeating: 0)
      try source.computeShard(shard, of: batch, into: leaf.buffer, record: record)
      Fault.poison(shard: shard, step: step, leaf: leaf.buffer, record: record)
      for (index, slot) in plan.layout.slots.enumerated() {
        if let place = slot.range.first(where: { !leaf.buffer[$0].isFinite }) {
          return Finding(
            shard: Int64(shard), slot: Int64(index), index: Int64(place - slot.offset),
            value: Double(leaf.buffer[place]), loss: record.loss / record.weight,
            example: Int64(try source.firstNotFiniteExample(ofShard: shard, of: batch) ?? -1),
            meetings: Int64(meetings))
        }
      }
      if !record.loss.isFinite || !record.weight.isFinite {
        return Finding(
          shard: Int64(shard), value: record.loss.isFinite ? record.weight : record.loss,
          loss: record.loss / record.weight,
          example: Int64(try source.firstNotFiniteExample(ofShard: shard, of: batch) ?? -1),
          meetings: Int64(meetings))
      }
    }
    return Finding()
  }
}
