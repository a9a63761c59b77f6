import LockstepCollective
import LockstepEngine

/// An exchange in place whose ranks leave the factors of weight gradients in shared memory. Each then
/// makes the blocks that it owns, for all shards, instead of adding blocks that all ranks have written.
///
/// What is made of factors need not wait for the meeting behind which partial sums are complete, but for
/// the factors of all ranks (``ProductSharing``). All else is the other exchange's.
package final class SufficientFactorExchange: ForwardingExchange, SufficientFactorUse {
  /// Says how ranks share products out; nil where each makes its own.
  package typealias Sharing = (SufficientFactorProducts) throws -> (any ProductSharing)?

  private let base: any InPlaceExchange
  private let plan: FoldPlan
  private let rank: Int
  private let share: Sharing
  private var batches: SufficientFactorBatches?
  private var products: SufficientFactorProducts?
  private var runs: [SufficientFactorProducts.Run] = []
  private var sharing: (any ProductSharing)?
  /// Those of all products that were ever used, which are the same on all ranks.
  private var known: [ObjectIdentifier: any ProductSharing] = [:]

  package var forwarded: any GradientExchange { base }

  /// Nil where the source cannot leave factors.
  ///
  /// - Parameters:
  ///   - base: what adds up all that is not made of factors.
  ///   - makeArena: makes arenas that all ranks see.
  ///   - share: how ranks share products out.
  package init?(
    _ base: any InPlaceExchange, of source: (any GradientSource)?, _ plan: FoldPlan,
    on collective: any Collective, share: @escaping Sharing = { _ in nil },
    makeArena: @escaping SufficientFactorBatches.ArenaMaker
  ) {
    self.base = base
    self.plan = plan
    self.share = share
    rank = collective.rank
    batches = SufficientFactorBatches(
      source, plan, on: collective, travel: false, makeArena: makeArena
    ) { [unowned self] in sharing?.ready($0) }
    if batches == nil { return nil }
  }

  package var usesFactors: Bool { products != nil }
  package var piecesTaken: Int { known.values.reduce(0) { $0 + $1.taken } }
  package var listens: Bool { sharing != nil || base.listens }

  package func begin(_ batch: StepBatch) throws {
    try batches?.begin(batch)
    let current = batches?.current
    guard current !== products else { return }
    products = current
    runs = current?.runs(of: plan.blockSlices[rank]) ?? []
    sharing = try current.flatMap { products in
      if let made = known[ObjectIdentifier(products)] { return made }
      let made = try share(products)
      known[ObjectIdentifier(products)] = made
      return made
    }
  }

  package func computed(_ batch: StepBatch) throws { try batches?.loadInputs(batch) }

  package func abandon() {
    sharing?.reset()
    batches?.end()
    base.abandon()
  }

  package func combine(_ visit: (Int) throws -> Void) throws {
    defer { batches?.end() }
    guard let products, let folded = base.folded.baseAddress else {
      return try base.combine(visit)
    }
    if let sharing { try base.alone { try sharing.run(into: folded, visit) } }
    try base.meet()
    try base.alone {
      for run in runs {
        if !run.isProduct {
          try base.add(run.blocks, visit)
        } else if sharing == nil {
          try products.make(run, into: folded, visit)
        }
      }
    }
  }
}
