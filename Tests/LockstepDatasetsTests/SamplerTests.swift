import LockstepDatasets
import LockstepEngine
import Testing

@Suite struct SamplerTests {
  /// All batches of the epochs that follow.
  private func batches(_ sampler: Sampler, epochs: Int) throws -> [[Int]] {
    var batches: [[Int]] = []
    for _ in 0..<(epochs * sampler.batchesPerEpoch) {
      batches.append(Array(try sampler.batch()))
      sampler.advance()
    }
    return batches
  }

  @Test(
    "every epoch sees each example once, each in an order of its own",
    arguments: [(10, 3), (12, 4), (5, 8), (1, 1)])
  func epochs(count: Int, batchSize: Int) throws {
    let sampler = try Sampler(count: count, batchSize: batchSize, seed: 1)
    var orders: Set<[Int]> = []
    for epoch in 0..<3 {
      #expect(sampler.epoch == epoch)
      let batches = try batches(sampler, epochs: 1)
      #expect(batches.dropLast().allSatisfy { $0.count == batchSize })
      let order = batches.flatMap { $0 }
      #expect(order.sorted() == Array(0..<count))
      #expect(order == sampler.order(ofEpoch: epoch))
      orders.insert(order)
    }
    if count >= 10 { #expect(orders.count == 3) }
  }

  @Test("dropLast leaves out the partial batch alone")
  func dropLast() throws {
    let whole = try Sampler(count: 10, batchSize: 4, seed: 1)
    let dropping = try Sampler(count: 10, batchSize: 4, seed: 1, dropLast: true)
    #expect(whole.batchesPerEpoch == 3)
    #expect(dropping.batchesPerEpoch == 2)
    #expect(try batches(dropping, epochs: 1) == Array(try batches(whole, epochs: 1).prefix(2)))
    #expect(dropping.epoch == 1)
    #expect(try Sampler(count: 8, batchSize: 4, seed: 1, dropLast: true).batchesPerEpoch == 2)
  }

  @Test("without shuffling every epoch keeps the order of the data")
  func ordered() throws {
    let sampler = try Sampler(count: 5, batchSize: 2, seed: 9, shuffle: false)
    #expect(try batches(sampler, epochs: 2) == [[0, 1], [2, 3], [4], [0, 1], [2, 3], [4]])
  }

  @Test("the order depends on seed and epoch alone, not on the batch size or the past")
  func dependence() throws {
    let a = try Sampler(count: 100, batchSize: 7, seed: 1)
    let b = try Sampler(count: 100, batchSize: 64, seed: 1)
    _ = try batches(a, epochs: 2)
    #expect(a.order(ofEpoch: 2) == b.order(ofEpoch: 2))
    #expect(a.order(ofEpoch: 2) != a.order(ofEpoch: 3))
    #expect(
      a.order(ofEpoch: 2) != (try Sampler(count: 100, batchSize: 7, seed: 2)).order(ofEpoch: 2))
  }

  @Test("orders computed independently by scripts/reference/sampler_order.py")
  func reference() throws {
    #expect(
      try Sampler(count: 12, batchSize: 1, seed: 0).order(ofEpoch: 0)
        == [4, 11, 1, 8, 7, 9, 2, 10, 5, 3, 6, 0])
    #expect(
      try Sampler(count: 12, batchSize: 1, seed: 20_000_000_019).order(ofEpoch: 3)
        == [9, 7, 2, 5, 10, 6, 8, 1, 0, 3, 4, 11])
  }

  @Test("a position that is saved and restored goes on where it stood, inside an epoch too")
  func resume() throws {
    let undisturbed = try Sampler(count: 10, batchSize: 3, seed: 4)
    let all = try batches(undisturbed, epochs: 3)
    for stop in 0..<all.count {
      let first = try Sampler(count: 10, batchSize: 3, seed: 4)
      for _ in 0..<stop { first.advance() }
      let second = try Sampler(count: 10, batchSize: 3, seed: 4)
      try copyState(first, second)
      #expect(second.epoch == stop / 4)
      #expect(second.batchInEpoch == stop % 4)
      #expect(Array(try second.batch()) == all[stop])
    }
  }

  @Test("restoring after reading forgets the order of the epoch before")
  func restoredOrder() throws {
    let sampler = try Sampler(count: 50, batchSize: 50, seed: 4)
    _ = try sampler.batch()
    let other = try Sampler(count: 50, batchSize: 50, seed: 4)
    other.advance()
    try copyState(other, sampler)
    #expect(Array(try sampler.batch()) == sampler.order(ofEpoch: 1))
  }

  @Test("what comes next is what the next position has, in the next epoch too")
  func next() throws {
    let asked = try Sampler(count: 10, batchSize: 3, seed: 4)
    let plain = try Sampler(count: 10, batchSize: 3, seed: 4)
    for step in 0..<12 {
      // A sampler that has just been restored knows too.
      if step % 3 > 0 { #expect(Array(try asked.batch()) == Array(try plain.batch())) }
      let next = asked.next()
      asked.advance()
      plain.advance()
      #expect(next.epoch == plain.epoch)
      #expect(Array(next.examples) == Array(try plain.batch()))
    }
  }

  @Test("a position of another data set is refused")
  func foreignPosition() throws {
    let small = try Sampler(count: 10, batchSize: 1, seed: 4)
    for _ in 0..<9 { small.advance() }
    let large = try Sampler(count: 10, batchSize: 5, seed: 4)
    try copyState(small, large)
    let error = #expect(throws: DatasetError.self) { try large.batch() }
    #expect(error?.reason.hasPrefix("there is no batch 9 in epoch 0: 10 examples make 2") == true)
  }

  @Test("samplers of nothing are refused")
  func refusals() {
    #expect(throws: DatasetError.self) { try Sampler(count: 0, batchSize: 1, seed: 1) }
    #expect(throws: DatasetError.self) { try Sampler(count: 1, batchSize: 0, seed: 1) }
    #expect(throws: DatasetError.self) {
      try Sampler(count: 3, batchSize: 4, seed: 1, dropLast: true)
    }
  }

  private func copyState(_ from: Sampler, _ to: Sampler) throws {
    let pairs = Array(zip(from.state, to.state))
    #expect(pairs.count == 1)
    for (source, target) in pairs {
      #expect(source.name == "sampler.position")
      guard case .integers(let source) = source.storage, case .integers(let target) = target.storage
      else {
        Issue.record("expected integers")
        return
      }
      _ = target.update(from: source)
    }
  }
}

@Suite struct ShardCutTests {
  @Test(
    "shards are a partition in order, and differ by at most one",
    arguments: [0, 1, 5, 8, 63, 64, 1000], [1, 2, 8, 64])
  func partition(count: Int, shards: Int) {
    let ranges = (0..<shards).map { ShardCut.range(of: $0, in: shards, count: count) }
    #expect(ranges.flatMap { Array($0) } == Array(0..<count))
    #expect(ranges.map(\.count).max()! - ranges.map(\.count).min()! <= 1)
    if count.isMultiple(of: shards) { #expect(Set(ranges.map(\.count)).count == 1) }
  }
}
