import LockstepCollective
import LockstepFold
import LockstepEngine

/// Which ranks update which parameters. The bits are the same.
package enum UpdateSharing: String, Sendable, CaseIterable {
  /// Sharded, but where it is quicker for every node to update all itself (``Conditions``).
  case automatic
  /// Every rank updates all parameters.
  case replicated
  /// Each rank updates what it owns.
  case sharded

  /// What decides between the two. The same on all ranks.
  package struct Conditions: Sendable {
    /// The values that are updated.
    package var values: Int
    /// The floating-point operations of making gradients of what travels in their place
    /// (docs/fold.md); 0 where all gradients travel.
    package var productOperations: Double
    /// The number of ranks.
    package var ranks: Int
    /// The number of nodes.
    package var nodes: Int
    /// Of the node that has fewest.
    package var ranksPerNode: Int
    /// Between nodes.
    package var link: NetworkLink

    /// Makes conditions with the sizes of model and run, and the link between nodes.
    package init(
      values: Int, productOperations: Double, ranks: Int, nodes: Int, ranksPerNode: Int,
      link: NetworkLink
    ) {
      self.values = values
      self.productOperations = productOperations
      self.ranks = ranks
      self.nodes = nodes
      self.ranksPerNode = ranksPerNode
      self.link = link
    }

    /// What a rank is taken to do in a second: floating-point operations of products...
    static let productRate = 50e9
    /// ... and updates of values.
    static let updateRate = 0.3e9

    /// The seconds of a step in which parameters travel, if they do.
    var travelling: Double {
      Double(values * MemoryLayout<Float>.stride) * (1 - 1 / Double(nodes)) / link.bandwidth
    }

    /// The seconds of a step that a rank computes more where each node makes all gradients, and each
    /// rank updates all parameters.
    var repeating: Double {
      productOperations * (1 / Double(ranksPerNode) - 1 / Double(ranks)) / Self.productRate
        + Double(values) * (1 - 1 / Double(ranks)) / Self.updateRate
    }

    /// Whether ``UpdateSharing/automatic`` is ``UpdateSharing/sharded``. Where gradients travel they take
    /// as long as parameters would, so that nothing is won; where something smaller travels in their place it is
    /// parameters alone.
    package var suggestsSharded: Bool { productOperations == 0 || repeating >= travelling }
  }

  /// Whether each rank updates what it owns. Called by all ranks, which measure the link between nodes
  /// where it matters.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - plan: how its gradients are folded.
  ///   - nonFinite: where single shards are looked at, all gradients travel.
  ///   - batchSize: the global one, of all batches but a tail.
  ///   - microBatches: of each shard.
  package func isSharded(
    _ source: any GradientSource, _ plan: FoldPlan, nonFinite: NonFinitePolicy, batchSize: Int,
    microBatches: Int = 1, on collective: any Collective
  ) throws -> Bool {
    guard self == .automatic else { return self == .sharded }
    guard plan.rounding == nil,
      let form = try collective.wireForm(
        of: source, plan, nonFinite: nonFinite, batchSize: batchSize, microBatches: microBatches),
      let link = try collective.linkBetweenNodes()
    else { return true }
    let nodes = collective.nodes
    return Conditions(
      values: plan.layout.slots[..<plan.gradientSlotCount].reduce(0) { $0 + $1.count },
      productOperations: form.operations, ranks: plan.ranks, nodes: nodes.count,
      ranksPerNode: nodes.map(\.count).min()!,  // there are several, see above
      link: link
    ).suggestsSharded
  }
}
