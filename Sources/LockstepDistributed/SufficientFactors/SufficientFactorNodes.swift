import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepMPI

/// An exchange between nodes in which the factors of weight gradients travel in the gradients' place: each
/// rank's to one rank of every other node, as soon as they are there.
///
/// Owners multiply what they own. Where gradients are to come back, delegates multiply the slices of other
/// nodes' owners too, so that nothing does. The ranks of a node meet once more for each product.
final class SufficientFactorNodes: ForwardingExchange, SufficientFactorUse {
  private let base: NodesExchange
  private var batches: SufficientFactorBatches?
  /// What carries factors and the rest, for products that were used.
  private var routes: [ObjectIdentifier: SufficientFactorRoute] = [:]
  /// The one of the step at hand; nil where all blocks are added up.
  private var route: SufficientFactorRoute?

  var forwarded: any GradientExchange { base }

  /// Nil where the source cannot leave factors.
  init?(
    _ base: NodesExchange, of source: (any GradientSource)?, on collective: any Collective,
    _ makeArena: @escaping ArenaMaker
  ) {
    self.base = base
    let plan = base.sums.plan
    batches = SufficientFactorBatches(
      source, plan, on: collective, travel: true,
      foreignShards: base.sums.group.peers.map { plan.shardRuns[$0] }, makeArena: makeArena
    ) { [unowned self] factor in
      base.start { try route?.send(factor) }
    }
    if batches == nil { return nil }
  }

  var usesFactors: Bool { route != nil }
  var piecesTaken: Int { 0 }

  func begin(_ batch: StepBatch) throws {
    try batches?.begin(batch)
    route = try batches?.current.map(route(for:))
    base.beside = route
  }

  private func route(for products: SufficientFactorProducts) throws -> SufficientFactorRoute {
    if let known = routes[ObjectIdentifier(products)] { return known }
    let communicator = try base.page.waiting { try base.communicator.duplicate() }
    let made = try SufficientFactorRoute(
      products, base.sums, bucketBytes: base.bucketBytes, on: communicator, page: base.page)
    routes[ObjectIdentifier(products)] = made
    return made
  }

  func computed(_ batch: StepBatch) throws { try batches?.loadInputs(batch) }

  func abandon() {
    base.abandon()
    batches?.end()
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    defer { batches?.end() }
    try base.combine(visit)
  }
}
