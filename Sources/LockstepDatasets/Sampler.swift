import LockstepEngine

/// The order in which training sees the examples.
///
/// The order of an epoch is a permutation fixed by (seed, epoch) alone; the sampler's only state is
/// where it stands, so that a run resumes inside an epoch and no rank ever asks another.
///
/// The order of up to `mostInMemory` examples is shuffled in memory. That of more, windows of a long
/// text say, is computed batch by batch and takes none.
///
/// Sequences of different lengths come in batches of one padded length each: examples are shuffled among
/// those of their length, and batches among all batches.
///
/// Where examples are drawn by themselves (`PoissonDraws`), batches differ in size, and an epoch is as many of them
/// as have each example once in the mean.
///
/// The caller's loop: train on `batch()`, then `advance()`; a step that is taken back simply does
/// not advance.
public final class Sampler {
  /// The number of examples of an epoch.
  package let count: Int
  /// The number of examples in a full batch, over all ranks.
  package let batchSize: Int
  /// The seed of all orders.
  package let seed: UInt64
  /// Whether epochs have random orders; if not, all have the data's own.
  package let shuffle: Bool
  /// Whether an epoch's last batch is left out where it is not full.
  package let dropLast: Bool

  /// The most examples whose order is kept in memory: 2²⁴, which take 128 MiB.
  package static let mostInMemory = 1 << 24

  /// Whether random orders are computed batch by batch.
  private let computesOrders: Bool
  private var permutation: (epoch: Int, order: KeyedPermutation)?
  /// How neighbours stay together; nil where all examples are shuffled.
  package let blocks: BlockShuffling?
  private var blockOrder: BlockOrder?
  private let position = Arena<Int64>(count: 2)
  private var cached = EpochOrder()
  private var cachedNext = EpochOrder()
  /// What batches are made of, where not of all examples alike.
  private let groups: ExampleGroups?
  /// How examples are drawn, where not each once an epoch.
  package let draws: WeightedDraws?
  /// How batches are drawn, where each example is in one or not by itself.
  package let poisson: PoissonDraws?
  /// The number of examples that an epoch's are taken from.
  package var population: Int { draws?.population ?? count }

  /// - Throws: `DatasetError` where a count is not positive, or `dropLast` leaves nothing.
  public convenience init(
    count: Int, batchSize: Int, seed: UInt64, shuffle: Bool = true, dropLast: Bool = false
  ) throws(DatasetError) {
    try self.init(
      count: count, batchSize: batchSize, seed: seed, shuffle: shuffle, dropLast: dropLast,
      mostInMemory: Self.mostInMemory)
  }

  /// As the public initialiser, with another limit of what is kept in memory.
  ///
  /// - Parameters:
  ///   - groups: what batches are made of; nil for all examples alike.
  ///   - blocks: how neighbours stay together; nil where all examples are shuffled.
  ///   - draws: how examples are drawn, where not each once; as many as `count`.
  ///   - poisson: how batches are drawn, where each example is in one or not by itself.
  package init(
    count: Int, batchSize: Int, seed: UInt64, shuffle: Bool, dropLast: Bool, mostInMemory: Int,
    groups: ExampleGroups? = nil, blocks: BlockShuffling? = nil, draws: WeightedDraws? = nil,
    poisson: PoissonDraws? = nil
  ) throws(DatasetError) {
    guard blocks == nil || groups == nil else {
      throw DatasetError(
        "sampler", "sequences of different lengths cannot be shuffled by blocks; leave them out")
    }
    guard count > 0, batchSize > 0 else {
      throw DatasetError(
        "sampler", "expected examples and a positive batch size, found \(count) and \(batchSize)")
    }
    let largest = groups?.sizes.max() ?? count
    guard !dropLast || largest >= batchSize else {
      throw DatasetError(
        "sampler",
        "a batch of \(batchSize) is more than the \(largest) examples"
          + (groups == nil ? "" : " of any one padded length") + ", and partial batches are dropped"
      )
    }
    self.count = count
    self.batchSize = batchSize
    self.seed = seed
    self.shuffle = shuffle
    self.dropLast = dropLast
    self.groups = groups
    self.draws = draws
    self.poisson = poisson
    self.blocks = shuffle ? blocks : nil
    computesOrders =
      (count > mostInMemory || self.blocks != nil) && groups == nil || draws != nil
      || poisson != nil
  }

  /// The number of batches in an epoch.
  public var batchesPerEpoch: Int {
    if let groups { return groups.batchCount(batchSize, dropLast: dropLast) }
    return dropLast ? count / batchSize : (count - 1) / batchSize + 1
  }

  /// The sizes of the batches that so many steps meet, larger ones first; nil for whole epochs.
  package func batchSizes(ofSteps steps: Int?) -> [Int] {
    if let groups { return groups.batchSizes(batchSize, dropLast: dropLast) }
    if let poisson {
      return [poisson.plannedSizes.upperBound, batchSize, poisson.plannedSizes.lowerBound]
    }
    let tail = dropLast ? 0 : count % batchSize
    let reachesTail = steps.map { $0 >= batchesPerEpoch } ?? true
    return (count < batchSize ? [] : [batchSize]) + (reachesTail && tail > 0 ? [tail] : [])
  }

  /// The epoch, from 0.
  package var epoch: Int { Int(position.buffer[0]) }
  /// The batch in the epoch, from 0.
  package var batchInEpoch: Int { Int(position.buffer[1]) }

  /// The state: epoch and batch.
  package var state: [StateEntry] { [StateEntry("sampler.position", .integers(position.buffer))] }

  private var hasPosition: Bool {
    (0...Int(Int32.max)).contains(epoch) && (0..<batchesPerEpoch).contains(batchInEpoch)
  }

  /// The examples of the batch at the current position.
  ///
  /// - Throws: `DatasetError` where the position, restored from a checkpoint, is none of this data
  ///   and batch size.
  package func batch() throws(DatasetError) -> ArraySlice<Int> {
    guard hasPosition else {
      throw DatasetError(
        "sampler",
        "there is no batch \(batchInEpoch) in epoch \(epoch): \(count) examples make "
          + "\(batchesPerEpoch) batches of \(batchSize); the position is of another data set or "
          + "batch size")
    }
    if computesOrders { return computedBatch(batchInEpoch, epoch) }
    if cached.epoch != epoch {
      cached = cachedNext.epoch == epoch ? cachedNext : epochOrder(epoch)
    }
    return cached.batch(batchInEpoch, batchSize)
  }

  /// The batch that comes after the one at the current position, and its epoch. It has no examples where
  /// the position is none of this data and batch size, of which `batch()` tells.
  public func next() -> (epoch: Int, examples: ArraySlice<Int>) {
    guard hasPosition else { return (epoch, []) }
    if computesOrders {
      return batchInEpoch + 1 < batchesPerEpoch
        ? (epoch, computedBatch(batchInEpoch + 1, epoch))
        : (epoch + 1, computedBatch(0, epoch + 1))
    }
    if batchInEpoch + 1 < batchesPerEpoch, cached.epoch == epoch {
      return (epoch, cached.batch(batchInEpoch + 1, batchSize))
    }
    let next = batchInEpoch + 1 < batchesPerEpoch ? (epoch, batchInEpoch + 1) : (epoch + 1, 0)
    if cachedNext.epoch != next.0 { cachedNext = epochOrder(next.0) }
    return (next.0, cachedNext.batch(next.1, batchSize))
  }

  /// The examples of a batch whose epoch's order is not kept.
  private func computedBatch(_ index: Int, _ epoch: Int) -> ArraySlice<Int> {
    if let poisson {
      return poisson.examples(seed: seed, step: epoch * batchesPerEpoch + index)[...]
    }
    let places = index * batchSize..<min((index + 1) * batchSize, count)
    if let draws { return draws.examples(at: places, seed: seed, epoch: epoch)[...] }
    guard shuffle else { return Array(places)[...] }
    if blocks != nil { return blockExamples(places, epoch)[...] }
    if permutation?.epoch != epoch {
      var generator = CounterGenerator(
        seed: seed, .shuffling, index: UInt32(truncatingIfNeeded: epoch))
      permutation = (epoch, KeyedPermutation(count: count, using: &generator))
    }
    guard let order = permutation?.order else { return [] }
    return places.map { order($0) }[...]
  }

  /// The examples at some places of an epoch that is shuffled by blocks.
  private func blockExamples(_ places: Range<Int>, _ epoch: Int) -> [Int] {
    guard let blocks else { return [] }
    var order =
      blockOrder?.epoch == epoch
      ? blockOrder : BlockOrder(count: count, blocks, seed: seed, epoch: epoch)
    defer { blockOrder = order }
    return order?.examples(at: places) ?? []
  }

  private func epochOrder(_ epoch: Int) -> EpochOrder {
    if let groups {
      return groups.order(
        seed: seed, epoch: epoch, batchSize, shuffle: shuffle, dropLast: dropLast)
    }
    return EpochOrder(epoch: epoch, order: order(ofEpoch: epoch))
  }

  /// Moves on to the next batch, or to the first one of the next epoch.
  package func advance() {
    position.buffer[1] += 1
    if batchInEpoch >= batchesPerEpoch {
      position.buffer[0] += 1
      position.buffer[1] = 0
    }
  }

  /// The order of an epoch, whatever the position.
  public func order(ofEpoch epoch: Int) -> [Int] {
    if groups != nil { return epochOrder(epoch).order }
    if poisson != nil { return (0..<batchesPerEpoch).flatMap { computedBatch($0, epoch) } }
    if let draws { return draws.examples(at: 0..<count, seed: seed, epoch: epoch) }
    guard shuffle else { return Array(0..<count) }
    if blocks != nil { return blockExamples(0..<count, epoch) }
    var generator = CounterGenerator(
      seed: seed, .shuffling, index: UInt32(truncatingIfNeeded: epoch))
    if computesOrders {
      let permutation = KeyedPermutation(count: count, using: &generator)
      return (0..<count).map { permutation($0) }
    }
    var order = Array(0..<count)
    generator.shuffle(&order)
    return order
  }
}

/// The cut of a batch into logical shards.
package enum ShardCut {
  /// The places in a batch of `count` examples that shard `shard` of `shards` gets:
  /// `s·n/L ..< (s + 1)·n/L`. Shards differ by at most one example; where n < L some are empty.
  package static func range(of shard: Int, in shards: Int, count: Int) -> Range<Int> {
    (shard * count / shards)..<((shard + 1) * count / shards)
  }
}
