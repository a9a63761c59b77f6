import LockstepCollective
import LockstepFold

extension FoldPlan {
  /// The plan of a step over the ranks at hand.
  ///
  /// - Throws: `FoldPlanError`.
  package init(
    shards: Int, of source: any GradientSource, wire: WirePrecision = .float32,
    on collective: any Collective
  ) throws {
    try self.init(
      shards: shards, ranks: collective.size, layout: source.layout,
      gradientSlotCount: source.gradientSlotCount, wire: wire)
  }
}
