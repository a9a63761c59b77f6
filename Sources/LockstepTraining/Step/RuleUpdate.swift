import LockstepEngine
import LockstepOptimization

/// A chain of transforms with its constraints is an update. It owns the blocks that it was made for.
///
/// ```swift
/// let plan = try FoldPlan(shards: 8, of: source, on: group)
/// let rule = try UpdateRule(
///   layout: layout, chain: chain, owning: plan.gradientBlocks(ofRank: group.rank))
/// let step = try TrainingStep(source: source, update: rule, shards: 8, on: group)
/// ```
extension UpdateRule: Update {
  package var stateEntries: [StateEntry] { state }

  @discardableResult
  package func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    gather: Gather?
  ) throws -> UpdateReport {
    for (what, found) in [
      ("the gradient", gradient.count), ("the parameters", parameters.count),
    ] where found < layout.count {
      throw UpdateError.wrongLength(what, expected: layout.count, found: found)
    }
    return try apply(
      gradient: UnsafeBufferPointer(rebasing: gradient[..<layout.count]),
      parameters: UnsafeMutableBufferPointer(rebasing: parameters[..<layout.count]), blocks: nil,
      gather: gather)
  }

  package var constrainsGathered: Bool { projectsAfterGather }

  package func constrainGathered(parameters: UnsafeMutableBufferPointer<Float>) throws {
    guard projectsAfterGather else { return }
    try projectGathered(
      parameters: UnsafeMutableBufferPointer(rebasing: parameters.prefix(layout.count)))
  }
}
