import LockstepFold
import LockstepEngine
import LockstepTraining

/// What a step's gradients make nodes send and ranks add, counted on the plan that they follow.
struct WireTraffic {
  /// The bytes that cross the busiest node's link in the busier direction: factors, partial sums and
  /// slices.
  private(set) var bytes = 0
  /// Those of factors among them.
  private(set) var factorBytes = 0
  /// The messages that the busiest rank sends one after the other.
  private(set) var messages = 0
  /// The values that the busiest rank adds.
  private(set) var additionsOfBusiestRank = 0.0
  /// The bytes of the buffers that messages of the busiest rank are kept in.
  private(set) var messageBytes = 0

  /// - Parameters:
  ///   - nodes: their number; each has equally many of the plan's ranks.
  ///   - isSharded: whether parameters come back in the place of gradients.
  ///   - factors: the linear maps, by slot, whose gradients are made of factors.
  ///   - shardSize: the examples of a shard.
  init(
    _ plan: FoldPlan, nodes: Int, isSharded: Bool, factors: [Int: LinearMapShape] = [:],
    shardSize: Int = 0
  ) {
    let ranksPerNode = plan.ranks / nodes
    let places = (0..<nodes).map { $0 * ranksPerNode..<($0 + 1) * ranksPerNode }
    let runs = plan.shardRuns
    let trees = places.map {
      FoldPlan.Subtree.maximal(in: runs[$0.first!].lowerBound..<runs[$0.last!].upperBound)
    }
    let slices = places.map { ranks in
      plan.slices[ranks.lowerBound].lowerBound..<plan.slices[ranks.upperBound - 1].upperBound
    }
    let whole = 0..<plan.layout.count
    let volume = Volume(plan: plan, isSharded: isSharded, factors: factors)
    /// All of a node's partial sums of a slice.
    func partialBytes(_ node: Int, _ slice: Range<Int>) -> Int {
      trees[node].reduce(0) { $0 + volume.summed(slice, packed: plan.isRounded($1)) }
    }
    /// What an example's factors weigh.
    let exampleBytes = 4 * factors.values.reduce(0) { $0 + $1.travelling }
    let allTrees = trees.reduce(0) { $0 + $1.count }
    let packedTrees = trees.reduce(0) { $0 + $1.filter(plan.isRounded).count }
    let largestSum = plan.slices.map { $0.count - volume.made($0) }.max() ?? 0
    for (node, ranks) in places.enumerated() {
      let slice = slices[node]
      if nodes > 1 {
        let out = partialBytes(node, whole) - partialBytes(node, slice)
        // What the other nodes' sums of this node's slice weigh.
        let ownPacked = trees[node].filter(plan.isRounded).count
        let into =
          (packedTrees - ownPacked) * volume.summed(slice, packed: true)
          + (allTrees - packedTrees - trees[node].count + ownPacked)
          * volume.summed(slice, packed: false)
        let own = volume.returned(slice)
        let back = (nodes - 1) * own
        let others = volume.returned(whole) - own
        let shards = ranks.reduce(0) { $0 + plan.shardRuns[$1].count }
        let examples = shardSize * max((nodes - 1) * shards, plan.shards - shards)
        factorBytes = max(factorBytes, exampleBytes * examples)
        self.bytes = max(
          self.bytes, max(out, into) + max(back, others) + exampleBytes * examples)
        messages = max(
          messages, (nodes - 1) * (trees[node].count + 1 + 2 * factors.count))
      }
      let partials = ranks.reduce(0) { $0 + plan.subtrees[$1].count }
      let elsewhere =
        Double(whole.count - slice.count - volume.made(whole) + volume.made(slice))
        / Double(ranksPerNode)
      let dispatched = nodes == 1 ? 0 : elsewhere * Double(partials - trees[node].count)
      let owned =
        Double(largestSum) * Double(partials + allTrees - trees[node].count - 1)
      additionsOfBusiestRank = max(additionsOfBusiestRank, dispatched + owned)
      if nodes > 1 {
        let sent = ranksPerNode > 1 ? Int(elsewhere) * trees[node].count : 0
        let received = largestSum * (allTrees - trees[node].count)
        messageBytes = max(messageBytes, 4 * (sent + received))
      }
    }
  }
}

/// What slices of the folded arena weigh on the wire, in bytes.
private struct Volume {
  let plan: FoldPlan
  let isSharded: Bool
  let factors: [Int: LinearMapShape]

  private func bytes(_ slice: Range<Int>, packed: Bool) -> Int {
    let gradients = slice.clamped(to: 0..<plan.gradientCount).count
    return packed ? 2 * gradients + 4 * (slice.count - gradients) : 4 * slice.count
  }

  /// The values of a slice that are made of factors.
  func made(_ slice: Range<Int>) -> Int {
    factors.keys.reduce(0) { $0 + plan.layout.slots[$1].range.clamped(to: slice).count }
  }

  /// A partial sum.
  func summed(_ slice: Range<Int>, packed: Bool) -> Int {
    bytes(slice, packed: packed) - (packed ? 2 : 4) * made(slice)
  }

  /// What comes back.
  func returned(_ slice: Range<Int>) -> Int {
    isSharded ? bytes(slice, packed: false) : summed(slice, packed: plan.wire != .float32)
  }
}
