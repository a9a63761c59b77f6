import LockstepPlatform
import LockstepFold
import LockstepDatasets
import LockstepEngine

/// Where the inputs of examples are made ready.
package enum InputPreparation: String, Sendable, CaseIterable {
  /// Ahead where there is more to do than to copy and a processor has nothing else to do, else
  /// directly.
  case automatic
  /// On a thread of their own, a step ahead.
  case ahead
  /// By the threads that compute, where they are needed.
  case direct
}

extension ModelSource {
  /// Decides where inputs are made ready. No bit depends on it.
  ///
  /// - Parameter ranksOnNode: how many ranks share the node's processors.
  package func prepareInputs(_ preparation: InputPreparation, ranksOnNode: Int) {
    switch preparation {
    case .ahead: preparesAhead = loader.field != nil
    case .direct: preparesAhead = false
    case .automatic:
      preparesAhead =
        loader.field != nil && !loader.isTrivial
        && Processors.areFree(besides: crew.size, ranks: ranksOnNode)
    }
  }

  package func anticipate(_ batch: () throws -> StepBatch) rethrows {
    if preparesAhead { upcoming = try batch() }
  }

  /// Begins to make the inputs of a step ready, and of the next one where that is known.
  func beginInputs(_ batch: StepBatch, _ shards: Range<Int>) {
    let ahead = self.ahead ?? InputAhead(loader, threads: crew.size, timeline: timeline)
    self.ahead = ahead
    ahead.begin(batch, shards: shards)
    if let upcoming, upcoming.step == batch.step + 1 { ahead.begin(upcoming, shards: shards) }
    upcoming = nil
  }

  /// Brings the examples at positions of a shard to a lane.
  func load(
    _ shard: Int, _ positions: Range<Int>, of batch: StepBatch, into executor: ShardExecutor,
    _ lane: LaneSet
  ) throws {
    if let inputs = executor.ports(for: dataset).prepared {
      try loadInputs(shard, positions, of: batch, into: inputs, lane)
    }
    try executor.loadRest(batch.examples(at: positions), of: dataset, teacher: teacher)
  }

  /// Brings the examples of several shards to a lane, one shard behind the other.
  func load(
    _ shards: Range<Int>, of batch: StepBatch, into executor: ShardExecutor, _ lane: LaneSet
  ) throws {
    let all = batch.positions(ofShards: shards)
    if let inputs = executor.ports(for: dataset).prepared {
      let size = loader.inputSize
      for shard in shards {
        let positions = batch.positions(ofShard: shard)
        let start = (positions.lowerBound - all.lowerBound) * size
        try loadInputs(
          shard, positions, of: batch,
          into: .init(rebasing: inputs[start..<start + positions.count * size]), lane)
      }
    }
    try executor.loadRest(batch.examples(at: all), of: dataset, teacher: teacher)
  }

  private func loadInputs(
    _ shard: Int, _ positions: Range<Int>, of batch: StepBatch,
    into inputs: UnsafeMutableBufferPointer<Float>, _ lane: LaneSet
  ) throws {
    if let ahead,
      try ahead.copy(positions, ofShard: shard, of: batch, into: inputs, lane.track)
    {
      return
    }
    try lane.track.span(.input, shard) {
      try loader.load(
        batch.examples(at: positions), epoch: batch.epoch, into: inputs,
        scratch: augmentation == nil ? nil : lane.inputScratch.buffer(count: loader.inputSize))
    }
  }

  package func loadInput(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard name == loader.field?.name else {
      guard let field = dataset.inputFields.first(where: { $0.name == name && !$0.isInteger })
      else { throw GraphError("no examples have '\(name)' of their own") }
      return try dataset.read(field, of: batch.examples(at: positions), into: rows)
    }
    try lanes[0].track.span(.input, 0) {
      try loader.load(
        batch.examples(at: positions), epoch: batch.epoch, into: rows,
        scratch: augmentation == nil
          ? nil : lanes[0].inputScratch.buffer(count: loader.inputSize))
    }
  }
}
