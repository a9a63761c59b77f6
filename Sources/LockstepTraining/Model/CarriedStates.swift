import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold

/// The states that a model carries from batch to batch, of the streams that this rank's shards have.
///
/// Row b of a batch is the next window of stream b, and row b of a state is what that stream left. Rows belong
/// to shards as the rows of a batch do, and shards to ranks, so that no state ever travels.
///
/// A step reads what the last one left, and what it leaves itself waits for ``commit(_:)``. Threads that
/// compute different shards touch different rows.
final class CarriedStates {
  private let kinds: [CarriedKind]
  /// The name of the examples, for messages.
  private let name: String
  /// The number of streams, which a batch has a row for each of; nil for examples without streams.
  private let streams: Int?
  /// The rows that are this rank's, and their values; none before ``join(_:rank:)``.
  private var rows = 0..<0
  private var values: [Values] = []
  /// The epoch that the states are of, from 1; 0 for none.
  private let epoch = Arena<Int64>(count: 1)
  /// The batch at hand.
  private var batch: StepBatch?

  /// The rows of one state.
  private final class Values {
    let size: Int
    let now: Arena<Float>
    let next: Arena<Float>

    init(_ kind: CarriedKind, rows: Int) {
      size = kind.size
      now = Arena(count: rows * size)
      next = Arena(count: rows * size)
    }
  }

  /// States of zeros; nil for a model that carries none.
  init?(_ kinds: [CarriedKind], on source: any ExampleSource) {
    guard !kinds.isEmpty else { return nil }
    self.kinds = kinds
    name = source.name
    streams = source.streams
  }

  /// Throws ``GraphError`` unless a batch of so many examples has a row for each stream.
  func check(batchSize: Int) throws(GraphError) {
    guard let streams else {
      throw GraphError(
        "the model carries states from batch to batch ('\(kinds[0].name)'), and the examples of '\(name)' do "
          + "not go on from each other: take a text or tokens with 'data.starts' set to 'streams', or leave "
          + "'carriesState' out")
    }
    guard streams == batchSize else {
      throw GraphError(
        "the model carries states from batch to batch ('\(kinds[0].name)'), and a batch must have a row for "
          + "each stream: the examples of '\(name)' are \(counted(streams, "stream")), and a batch has "
          + "\(batchSize): set 'data.starts' to 'streams', or leave 'carriesState' out")
    }
  }

  /// Learns which rows are this rank's.
  func join(_ plan: FoldPlan, rank: Int) {
    let shards = plan.shardRuns[rank]
    let count = streams ?? 0
    func part(_ shard: Int) -> Range<Int> {
      ShardCut.range(of: shard, in: plan.shards, count: count)
    }
    rows = part(shards.lowerBound).lowerBound..<part(shards.upperBound - 1).upperBound
    values = kinds.map { Values($0, rows: rows.count) }
  }

  /// What a checkpoint holds: each state of all streams, put together of what ranks hold.
  var stateEntries: [StateEntry] {
    zip(kinds, values).map { kind, values in
      let layout = FlatLayout([(kind.name, [streams ?? 0] + kind.shape)])
      let held = rows.lowerBound * values.size..<rows.upperBound * values.size
      return StateEntry(
        "carried", .arena(values.now.buffer, layout),
        holding: rows.count == streams ? nil : held)
    } + [StateEntry("carried.epoch", .integers(epoch.buffer))]
  }

  /// The values that states take on this rank, what waits included.
  static func valueCount(_ kinds: [CarriedKind], rows: Int) -> Int {
    kinds.reduce(0) { $0 + 2 * rows * $1.size }
  }

  // MARK: A step

  /// Makes ready for a batch, whose rows go on where those of the last one ended.
  ///
  /// - Throws: ``GraphError`` where its rows are not those of the streams.
  func begin(_ batch: StepBatch) throws(GraphError) {
    try check(batchSize: batch.examples.count)
    let first = batch.examples.first ?? 0
    guard let streams, first % streams == 0,
      batch.examples.elementsEqual(first..<first + streams)
    else {
      throw GraphError(
        "the model carries states, for which row b of a batch is the next window of stream b; the batch of "
          + "step \(batch.step + 1) has other rows: do not shuffle the examples")
    }
    self.batch = batch
  }

  /// Whether a batch goes on from the states: they are of its epoch, and it is not the epoch's first.
  private func goesOn(_ batch: StepBatch) -> Bool {
    epoch.buffer[0] == Int64(batch.epoch) + 1 && batch.examples.first ?? 0 >= streams ?? 0
  }

  /// Brings the states of positions of a batch to a lane.
  func load(_ positions: Range<Int>, of batch: StepBatch, into executor: ShardExecutor) {
    guard let ports = executor.carriedPorts else { return }
    let goesOn = goesOn(batch)
    for (index, values) in values.enumerated() {
      let input = ports.before(index)
      if goesOn {
        _ = input.update(fromContentsOf: part(positions, of: values.now, values.size))
      } else {
        input.update(repeating: 0)
      }
    }
  }

  /// Keeps what a lane has made of the states of positions.
  func store(_ positions: Range<Int>, from executor: ShardExecutor) {
    guard let ports = executor.carriedPorts else { return }
    for (index, values) in values.enumerated() {
      _ = part(positions, of: values.next, values.size).update(
        fromContentsOf: ports.after(index))
    }
  }

  /// Takes over what the batch left, but for shards that were taken out of it: the states of their streams
  /// stay, and are zeros where the batch did not go on from them.
  func commit(_ isTakenOut: (_ shard: Int) -> Bool) {
    guard let batch else { return }
    let goesOn = goesOn(batch)
    for shard in 0..<batch.shards {
      let positions = batch.positions(ofShard: shard).clamped(to: rows)
      guard !positions.isEmpty else { continue }
      let stays = isTakenOut(shard)
      if stays, goesOn { continue }
      for values in values {
        let now = part(positions, of: values.now, values.size)
        if stays {
          now.update(repeating: 0)
        } else {
          _ = now.update(fromContentsOf: part(positions, of: values.next, values.size))
        }
      }
    }
    epoch.buffer[0] = Int64(batch.epoch) + 1
    self.batch = nil
  }

  private func part(
    _ positions: Range<Int>, of arena: Arena<Float>, _ size: Int
  ) -> UnsafeMutableBufferPointer<Float> {
    let start = (positions.lowerBound - rows.lowerBound) * size
    return UnsafeMutableBufferPointer(
      rebasing: arena.buffer[start..<start + positions.count * size])
  }
}
