import LockstepEngine

/// What a source keeps for products, probes and losses; made when first used.
final class CurvatureMemory {
  var plans: [Key: Plan] = [:]
  var fold: ThreadedFold?
  var direction: Arena<Float>?

  struct Key: Hashable {
    let work: ShardWork
    let count: Int
  }
}
