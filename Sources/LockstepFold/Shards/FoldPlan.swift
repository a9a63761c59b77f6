import LockstepEngine

/// Who adds what: the fixed binary tree over logical shards, cut to the ranks at hand.
///
/// The tree's leaves are the gradients of the shards `0..<shards`; a node at level k and index i
/// covers shards `i·2^k ..< (i+1)·2^k` and is the elementwise Float32 sum left + right. The tree
/// depends on the number of shards alone. Each rank computes a contiguous run of shards and hands
/// over the sums of the maximal subtrees inside its run; the owner of a slice adds those in tree
/// order, so that every addition of the tree happens exactly once, somewhere, with the same
/// operands whatever the number of ranks.
///
/// Where bf16 travels, some of these sums are rounded (``WirePrecision``).
///
/// The arena that is folded holds gradients in its first `gradientSlotCount` slots and
/// statistics (batch-norm sums) behind them. Both go through the same tree; statistics are neither
/// measured nor clipped.
package struct FoldPlan: Sendable, Equatable {
  /// A node of the tree.
  package typealias Subtree = LockstepFold.Subtree

  /// The number of logical shards L, a power of two.
  package let shards: Int
  /// The number of ranks P, at most `shards`.
  package let ranks: Int
  /// The flat arena that is folded: gradients, then statistics.
  package let layout: FlatLayout
  /// The number of leading slots of ``layout`` that are gradients.
  package let gradientSlotCount: Int
  /// How gradients travel, and so which sums are rounded.
  package let wire: WirePrecision
  /// The blocks of ``layout``.
  package let blocks: [Block]
  /// The number of leading ``blocks`` that are gradients.
  package let gradientBlockCount: Int

  /// The shards that each rank computes, in rank order: contiguous runs that tile `0..<shards`.
  /// Where P does not divide L the first ranks have one more.
  package let shardRuns: [Range<Int>]
  /// Each rank's maximal aligned subtrees, in shard order: one partial sum each.
  package let subtrees: [[Subtree]]
  /// The blocks that each rank owns, in rank order: contiguous runs that tile ``blocks``, balanced
  /// by the number of values. A run is empty where there are more ranks than blocks.
  package let blockSlices: [Range<Int>]
  /// The values that each rank owns, padding included: they tile the arena and are cut only
  /// between blocks.
  package let slices: [Range<Int>]
  /// The additions that make the tree's root from all ranks' partials, numbered in shard order.
  package let program: CombineProgram

  /// Cuts the tree over `shards` shards to `ranks` ranks.
  ///
  /// - Parameters:
  ///   - shards: the number of logical shards L, a power of two.
  ///   - ranks: the number of ranks P, `1...shards`.
  ///   - layout: the arena to fold.
  ///   - gradientSlotCount: how many leading slots are gradients; all of them if nil.
  ///   - wire: how gradients travel.
  /// - Throws: ``FoldPlanError``.
  package init(
    shards: Int, ranks: Int, layout: FlatLayout, gradientSlotCount: Int? = nil,
    wire: WirePrecision = .float32
  ) throws {
    if let problem = layout.problem { throw GraphError(problem) }
    guard shards > 0, shards & (shards - 1) == 0 else {
      throw FoldPlanError.shardsNotAPowerOfTwo(shards)
    }
    guard ranks > 0 else { throw FoldPlanError.noRanks(ranks) }
    guard ranks <= shards else { throw FoldPlanError.moreRanksThanShards(ranks, shards) }
    let gradients = gradientSlotCount ?? layout.slots.count
    guard (0...layout.slots.count).contains(gradients) else {
      throw FoldPlanError.gradientSlots(gradients, layout.slots.count)
    }
    if case .bfloat16(let level) = wire {
      guard (0..<shards.trailingZeroBitCount).contains(level) else {
        throw FoldPlanError.wireLevel(level, shards: shards)
      }
    }

    self.shards = shards
    self.ranks = ranks
    self.wire = wire
    self.layout = layout
    self.gradientSlotCount = gradients
    blocks = layout.blocks()
    gradientBlockCount = blocks.prefix { $0.slot < gradients }.count
    shardRuns = Self.runs(of: shards, over: ranks)
    subtrees = shardRuns.map(Subtree.maximal(in:))
    blockSlices = Self.cut(blocks, over: ranks)
    slices = Self.values(of: blockSlices, blocks, in: layout)
    program = CombineProgram(leaves: subtrees.flatMap { $0 })
  }

  /// The number of partials of all ranks together.
  package var partialCount: Int { program.leafCount }

  /// The gradients' blocks that a rank owns; a sharded update changes these alone. None where there is
  /// no such rank.
  package func gradientBlocks(ofRank rank: Int) -> Range<Int> {
    guard blockSlices.indices.contains(rank) else { return 0..<0 }
    return blockSlices[rank].clamped(to: 0..<gradientBlockCount)
  }

  /// The shards of the busiest rank over the average: 1 is perfect balance, 1.5 means that a step
  /// takes half as long again as P equal ranks would need.
  package var loadBound: Double {
    Double(shardRuns.map(\.count).max()!) * Double(ranks) / Double(shards)
  }

  /// The number of shards for a batch size where none is configured: the largest power of two, at
  /// most 64, that leaves at least 32 examples a shard; at least 1.
  ///
  /// It depends on the batch size alone, never on the number of ranks.
  package static func defaultShards(batchSize: Int) -> Int {
    var shards = 1
    while shards < 64, batchSize / (shards * 2) >= 32 { shards *= 2 }
    return shards
  }

  /// `count` things in contiguous runs, the first `count mod ranks` of them one longer.
  package static func runs(of count: Int, over ranks: Int) -> [Range<Int>] {
    (0..<ranks).map { rank in
      let start = rank * (count / ranks) + min(rank, count % ranks)
      return start..<start + count / ranks + (rank < count % ranks ? 1 : 0)
    }
  }

  /// Blocks in contiguous runs, each boundary where the values before it come nearest to an even
  /// share.
  private static func cut(_ blocks: [Block], over ranks: Int) -> [Range<Int>] {
    let total = blocks.reduce(0) { $0 + $1.count }
    var boundaries = [0]
    var block = 0
    var before = 0
    for rank in 1..<max(ranks, 1) {
      let share = total * rank / ranks
      while block < blocks.count, abs(before + blocks[block].count - share) <= abs(before - share) {
        before += blocks[block].count
        block += 1
      }
      boundaries.append(block)
    }
    boundaries.append(blocks.count)
    return (0..<ranks).map { boundaries[$0]..<boundaries[$0 + 1] }
  }
}

extension FoldPlan {
  /// The values from each run's first block to the next run's first block.
  private static func values(
    of runs: [Range<Int>], _ blocks: [Block], in layout: FlatLayout
  ) -> [Range<Int>] {
    let starts = runs.map { run in
      run.lowerBound == 0
        ? 0 : run.lowerBound == blocks.count ? layout.count : blocks[run.lowerBound].offset
    }
    return zip(starts, starts.dropFirst() + [layout.count]).map { $0..<$1 }
  }
}
