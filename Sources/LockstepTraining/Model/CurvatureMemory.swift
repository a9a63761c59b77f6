import LockstepEngine

/// What a source keeps for products, probes and losses; made when first used.
final class CurvatureMemory {
  var plans: [Key: Plan] = [:]
  var fold: ThreadedFold?
  var direction: Arena<Float>?
  /// What the last products damped states by.
  var stateDamping: Float = 0

  struct Key: Hashable {
    let work: ShardWork
    let count: Int
  }
}
