import LockstepCollective
import LockstepFold
import LockstepBenchmark
import LockstepEngine
import LockstepTraining
import Testing

/// Laws of the predictions.
@Suite struct CostModelTests {
  /// 2 ms a shard, a million values, a gigabit with 30 µs.
  private static func model(
    latency: Double = 30e-6, bandwidth: Double = 125e6, sharing: UpdateSharing = .replicated,
    wire: WirePrecision = .float32, statistics: Int = 0
  ) -> CostModel {
    var work = CostModel.Work(
      layout: FlatLayout([("w", [1000, 1024])] + (statistics > 0 ? [("mean", [statistics])] : [])),
      gradientSlotCount: 1)
    work.shard = 2e-3
    work.fixed = 0.5e-3
    work.addition = 0.3e-9
    work.normalisation = 0.1e-9
    work.update = 1e-9
    work.memory.program = 10_000_000
    work.memory.optimizer = 8 * 1_024_000
    return CostModel(
      work: work, link: NetworkLink(latency: latency, bandwidth: bandwidth),
      sharing: sharing, wire: wire)
  }

  @Test func aStepIsTheSumOfItsParts() throws {
    for nodes in [1, 2, 8] {
      let one = try Self.model().predict(nodes: nodes, ranksPerNode: 4, shards: 64)
      let sum = one.compute + one.fold + one.wire + one.numbers + one.update
      #expect(abs(one.step - sum) < 1e-12)
      #expect(abs(one.examplesPerSecond * one.step - Double(one.batchSize)) < 1e-6)
    }
  }

  @Test func oneRankHasNobodyToTalkTo() throws {
    let one = try Self.model().predict(nodes: 1, ranksPerNode: 1, shards: 8)
    #expect(one.wire == 0 && one.numbers == 0 && one.wireBytes == 0 && one.bucketBytes == 0)
    #expect(abs(one.compute - 16.5e-3) < 1e-12)
    #expect(abs(one.update - 1.024e-3) < 1e-12)
    #expect(one.efficiency(over: one) == 1)
    #expect(one.overlappedStep == one.step)
  }

  /// What ranks of one node tell each other crosses no link.
  @Test func nothingCrossesALinkInsideANode() throws {
    let slow = try Self.model(bandwidth: 1).predict(nodes: 1, ranksPerNode: 8, shards: 64)
    #expect(slow.wire == 0 && slow.wireBytes == 0)
    #expect(slow.numbers > 0)
  }

  @Test func anInfinitelyFastLinkLeavesComputing() throws {
    for nodes in [2, 16, 512] {
      let model = Self.model(latency: 0, bandwidth: .infinity)
      let one = try model.predict(nodes: nodes, ranksPerNode: 1, shards: nodes)
      #expect(one.wire == 0 && one.numbers == 0)
      #expect(one.step == one.compute + one.fold + one.update)
      // The fold of a slice is no more than the additions of one slice of all sums.
      #expect(one.fold < 2.5e-3)
    }
  }

  @Test func slowerLinksAndLongerLatenciesNeverHelp() throws {
    var last = 0.0
    for bandwidth in [1e10, 1e9, 1e8, 1e7] {
      let step = try Self.model(bandwidth: bandwidth).predict(
        nodes: 8, ranksPerNode: 2, shards: 64
      ).step
      #expect(step > last)
      last = step
    }
    last = 0
    for latency in [0, 1e-6, 1e-4, 1e-2] {
      let step = try Self.model(latency: latency).predict(
        nodes: 8, ranksPerNode: 2, shards: 64
      ).step
      #expect(step > last)
      last = step
    }
  }

  /// With a batch that grows with the ranks computing stays and the rest grows: efficiency falls, and
  /// on ever more nodes latency rules.
  @Test func efficiencyFallsWithTheRanks() throws {
    let model = Self.model()
    let one = try model.predict(nodes: 1, ranksPerNode: 1, shards: 4)
    var last = 1.0
    for nodes in [2, 8, 64, 1024, 4096] {
      let many = try model.predict(nodes: nodes, ranksPerNode: 1, shards: 4 * nodes)
      #expect(many.compute == one.compute)
      let efficiency = many.efficiency(over: one)
      #expect(efficiency < last && efficiency > 0)
      last = efficiency
    }
  }

  /// A power of two of nodes moves what a reduce-scatter and an allgather move:
  /// 2 (N − 1) / N of the gradient.
  @Test(arguments: [2, 4, 16]) func wireBytesAreThoseOfAReduceScatterAndAnAllgather(nodes: Int)
    throws
  {
    let gradient = 4 * 1_024_000
    for ranksPerNode in [1, 2] {
      let one = try Self.model().predict(nodes: nodes, ranksPerNode: ranksPerNode, shards: 64)
      let expected = Double(2 * gradient) * Double(nodes - 1) / Double(nodes)
      // Slices are cut between blocks of 4,096 values.
      #expect(abs(Double(one.wireBytes) - expected) < Double(nodes * 4 * 16384))
    }
  }

  @Test func halfOfThemWithBF16AndThreeQuartersSharded() throws {
    func bytes(_ model: CostModel) throws -> Double {
      Double(try model.predict(nodes: 2, ranksPerNode: 1, shards: 8).wireBytes)
    }
    let whole = try bytes(Self.model())
    let half = Self.model(wire: .bfloat16(level: 0))
    #expect(try abs(bytes(half) / whole - 0.5) < 0.01)
    let sharded = Self.model(sharing: .sharded, wire: .bfloat16(level: 0))
    #expect(try abs(bytes(sharded) / whole - 0.75) < 0.01)
    // Sums below the level travel as they are: eight nodes with a shard each, rounded from pairs on.
    let late = Self.model(wire: .bfloat16(level: 1))
    let early = Self.model(wire: .bfloat16(level: 0))
    func eight(_ model: CostModel) throws -> Int {
      try model.predict(nodes: 8, ranksPerNode: 1, shards: 8).wireBytes
    }
    #expect(try eight(late) > eight(early))
    // Statistics are never rounded: in two bytes a value they would take half of this.
    let statistics = Self.model(wire: .bfloat16(level: 0), statistics: 1_024_000)
    #expect(try bytes(statistics) > 1.9 * whole)
  }

  /// Sharding takes optimizer memory and work from a rank.
  @Test func shardedUpdatesDivideTheOptimizer() throws {
    let whole = try Self.model().predict(nodes: 4, ranksPerNode: 1, shards: 8)
    let part = try Self.model(sharing: .sharded).predict(nodes: 4, ranksPerNode: 1, shards: 8)
    #expect(abs(part.update - whole.update / 4) < whole.update / 50)
    let saved = whole.memory - part.memory
    #expect(abs(Double(saved) - 0.75 * 8 * 1_024_000) < 200_000)
  }

  /// What is kept of matrices is with their owners, whatever blocks a rank updates: the largest part counts.
  @Test(arguments: [UpdateSharing.replicated, .sharded])
  func ownersKeepTheStateOfTheirMatrices(_ sharing: UpdateSharing) throws {
    let plain = Self.model(sharing: sharing)
    var kept = plain
    kept.work.matrices = [(1.0, 5_000_000), (1, 4_000_000), (1, 3_000_000)].map {
      CostModel.MatrixWork(values: 1000, seconds: $0, state: $1)
    }
    for (ranks, bytes) in [(1, 12_000_000), (2, 9_000_000), (3, 5_000_000), (8, 5_000_000)] {
      let (with, without) = (
        try kept.predict(nodes: ranks, ranksPerNode: 1, shards: 8).memory,
        try plain.predict(nodes: ranks, ranksPerNode: 1, shards: 8).memory
      )
      #expect(with - without == bytes, "\(ranks) ranks")
    }
  }

  /// A linear map of 1,000 × 1,024 weights whose factors travel: those of the other node's examples one
  /// way, and of these the other, beside the parameters where owners alone update them.
  @Test func factorsTravelInTheGradientsPlace() throws {
    func predict(
      _ sharing: UpdateSharing, nodes: Int = 2, ranksPerNode: Int = 1, shards: Int = 4,
      bandwidth: Double = 125e6
    ) throws -> CostPrediction {
      var model = Self.model(bandwidth: bandwidth, sharing: sharing)
      model.work.shardSize = 32
      model.work.linearMaps = [0: LinearMapShape(outputs: 1000, inputs: 1024)]
      model.work.productRate = 100e9
      return try model.predict(nodes: nodes, ranksPerNode: ranksPerNode, shards: shards)
    }
    let (factors, parameters) = (4 * 64 * 2024, 4 * 1_024_000 / 2)
    let replicated = try predict(.replicated)
    #expect(replicated.wireBytes == factors && !replicated.isSharded)
    // Each node makes the products of the other one's examples too.
    #expect(abs(replicated.compute - 4.5e-3 - 2 * 128 * 1_024_000 / 2 / 100e9) < 1e-9)
    let sharded = try predict(.sharded)
    #expect(abs(sharded.wireBytes - factors - parameters) < 4 * 4096)
    #expect(abs(sharded.compute - 4.5e-3) < 1e-12 && sharded.isSharded)
    // They are as long where gradients would be half as long.
    var rounded = Self.model(sharing: .replicated, wire: .bfloat16(level: 0))
    rounded.work.shardSize = 32
    rounded.work.linearMaps = [0: LinearMapShape(outputs: 1000, inputs: 1024)]
    #expect(try rounded.predict(nodes: 2, ranksPerNode: 1, shards: 4).wireBytes == factors)
    // Three others want what each node has.
    #expect(try predict(.replicated, nodes: 4).wireBytes == 4 * 96 * 2024)
    // What all ranks have does not travel.
    var first = Self.model()
    first.work.shardSize = 32
    first.work.linearMaps = [0: LinearMapShape(outputs: 1000, inputs: 1024, isFirst: true)]
    #expect(try first.predict(nodes: 2, ranksPerNode: 1, shards: 4).wireBytes == 4 * 64 * 1000)
    // Too many examples: gradients travel.
    #expect(try predict(.replicated, shards: 16).wireBytes == 4 * 1_024_000)
    #expect(try !predict(.automatic).isSharded)
    #expect(try predict(.automatic, bandwidth: 1e11).isSharded)
    #expect(try predict(.automatic, nodes: 1, shards: 1).isSharded)
    // Half of them travel beside the passes, which take 2.7 ms without the products.
    #expect(replicated.overlappedStep < replicated.step - 2.5e-3)
    // On a node nothing is added up.
    func fold(shards: Int) throws -> Double {
      try predict(.sharded, nodes: 1, ranksPerNode: 2, shards: shards).fold
    }
    #expect(try fold(shards: 4) < 0.5 * fold(shards: 64))
  }

  /// Buckets beside the backward pass never cost more than the wire by itself, and are those that a
  /// run chooses: larger ones where latency is.
  @Test func bucketsAreThoseOfTheLink() throws {
    for ranksPerNode in [1, 2] {
      func bucket(_ latency: Double) throws -> Int {
        let one = try Self.model(latency: latency, bandwidth: 1.25e9).predict(
          nodes: 2, ranksPerNode: ranksPerNode, shards: 4)
        #expect(one.overlappedStep <= one.step)
        #expect(one.overlappedStep >= one.compute)
        return one.bucketBytes
      }
      #expect(try bucket(1e-6) == 64 << 10)
      #expect(try bucket(2e-5) == 512 << 10)
      // Each owner's slice in one.
      #expect(try bucket(1e-2) == 4 * 1_024_000 / (2 * ranksPerNode))
    }
  }

  @Test func moreRanksThanShardsAreRefused() {
    #expect(throws: FoldPlanError.moreRanksThanShards(16, 8)) {
      try Self.model().predict(nodes: 4, ranksPerNode: 4, shards: 8)
    }
  }

  /// The busiest rank counts: three ranks with 3, 3 and 2 shards compute three.
  @Test func unevenShardsCostTheBusiestRank() throws {
    let three = try Self.model().predict(nodes: 3, ranksPerNode: 1, shards: 8)
    #expect(abs(three.compute - 6.5e-3) < 1e-12)
  }
}
