import LockstepFiles

/// Why a fold cannot be planned.
package enum FoldPlanError: Error, Equatable, CustomStringConvertible {
  /// The number of shards, given here, is no power of two.
  case shardsNotAPowerOfTwo(Int)
  /// The number of ranks, given here, is below one.
  case noRanks(Int)
  /// There are more ranks (first number) than shards (second).
  case moreRanksThanShards(Int, Int)
  /// The number of gradient slots (first) is not in 0 to the layout's number of slots (second).
  case gradientSlots(Int, Int)
  /// Gradients cannot travel as bf16 from this level on: levels are `0..<log2(shards)`.
  case wireLevel(Int, shards: Int)

  package var description: String {
    switch self {
    case .shardsNotAPowerOfTwo(let shards):
      return "shards is \(shards): set it to a power of two (1, 2, 4, …)"
    case .noRanks(let ranks):
      return "a fold over \(ranks) ranks: there must be at least one"
    case .moreRanksThanShards(let ranks, let shards):
      var enough = shards
      while enough < ranks { enough *= 2 }
      return "\(counted(ranks, "rank")) but only \(counted(shards, "shard")): start at most "
        + "\(counted(shards, "rank")), or set "
        + "shards to \(enough) or more (a power of two; this changes the bits of the result)"
    case .gradientSlots(let count, let slots):
      return "\(count) gradient slots in a layout of \(slots) slots"
    case .wireLevel(let level, let shards):
      return "gradients of \(shards) shards are to travel as bf16 from level \(level) on, and "
        + (shards == 1
          ? "one shard alone is never added to another: leave them in float32"
          : "the tree has levels below \(shards.trailingZeroBitCount)")
    }
  }
}
