import LockstepDatasets
import Testing

/// Orders that are computed batch by batch.
@Suite struct LargeSamplerTests {
  private func sampler(
    _ count: Int, batchSize: Int = 7, seed: UInt64 = 5, shuffle: Bool = true
  ) throws -> Sampler {
    try Sampler(
      count: count, batchSize: batchSize, seed: seed, shuffle: shuffle, dropLast: false,
      mostInMemory: 0)
  }

  @Test("an order is a permutation", arguments: [1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4097])
  func permutation(_ count: Int) throws {
    let sampler = try sampler(count)
    let orders = (0..<3).map(sampler.order(ofEpoch:))
    for order in orders { #expect(order.sorted() == Array(0..<count)) }
    if count >= 16 {
      #expect(orders[0] != orders[1] && orders[1] != orders[2])
      #expect(orders[0] != Array(0..<count))
      #expect(try self.sampler(count, seed: 6).order(ofEpoch: 0) != orders[0])
    }
  }

  @Test("batches are the order in pieces, across epochs, and next is the one that comes")
  func batches() throws {
    for shuffle in [true, false] {
      let sampler = try sampler(24, shuffle: shuffle)
      for epoch in 0..<3 {
        let order = sampler.order(ofEpoch: epoch)
        var seen: [Int] = []
        for _ in 0..<sampler.batchesPerEpoch {
          let next = sampler.next()
          seen += try sampler.batch()
          sampler.advance()
          #expect(next.epoch == sampler.epoch)
          #expect(Array(next.examples) == Array(try sampler.batch()))
        }
        #expect(seen == order)
      }
    }
  }

  @Test("neighbours are scattered: no order keeps more pairs than chance does")
  func scattered() throws {
    let order = try sampler(4096).order(ofEpoch: 0)
    let kept = zip(order, order.dropFirst()).count { abs($0 - $1) == 1 }
    // Of a random order two neighbours are expected, and 15 hardly ever seen.
    #expect(kept < 15)
    // As many of the first half's elements come first as of the second's: 1024 ± 5 deviations of 16.
    let low = order[..<2048].count { $0 < 2048 }
    #expect(abs(low - 1024) < 80)
  }

  @Test("more examples than memory would hold an order of have batches")
  func huge() throws {
    let count = 9_000_000_000
    let sampler = try Sampler(count: count, batchSize: 1000, seed: 1)
    let batch = try sampler.batch()
    #expect(Set(batch).count == 1000)
    #expect(batch.allSatisfy { (0..<count).contains($0) })
    // Beyond 2³², as all but a few would be by chance half of the time.
    #expect(batch.contains { $0 > 1 << 32 })
    #expect(Array(sampler.next().examples) != Array(batch))
  }
}

/// Orders by blocks: every example once, neighbours near each other, the same in parts as in one.
@Suite struct BlockShufflingTests {
  @Test(arguments: [(100, 8, 3), (97, 10, 4), (5, 8, 2), (64, 64, 1), (1000, 1, 16), (33, 4, 100)])
  func everyExampleComesOnce(_ count: Int, _ block: Int, _ buffer: Int) throws {
    let sampler = try Sampler(
      count: count, batchSize: 7, seed: 3, shuffle: true, dropLast: false, mostInMemory: 1 << 20,
      blocks: BlockShuffling(block: block, buffer: buffer))
    var orders: [[Int]] = []
    for epoch in 0..<2 {
      let order = sampler.order(ofEpoch: epoch)
      #expect(order.sorted() == Array(0..<count))
      orders.append(order)
    }
    if count > 50 { #expect(orders[0] != orders[1]) }
    var inBatches: [Int] = []
    for epoch in 0..<2 {
      for batch in 0..<sampler.batchesPerEpoch {
        #expect(sampler.epoch == epoch && sampler.batchInEpoch == batch)
        let next = sampler.next()
        inBatches += try sampler.batch()
        sampler.advance()
        #expect(try Array(sampler.batch()) == Array(next.examples))
      }
    }
    #expect(inBatches == orders[0] + orders[1])
    // The places of a group hold the examples of as many blocks as are mixed.
    let group = Set(orders[0].prefix(block * buffer / 2).map { $0 / block })
    #expect(group.count <= buffer)
  }
}
