import LockstepEngine

/// A source that can leave factors of gradients instead of gradients.
package protocol FactorSource: GradientSource {
  /// What the gradients of a batch can be left as; nil where the source makes them whole. The same on
  /// all ranks, since it follows from the batch.
  func factors(of batch: StepBatch) throws -> GradientFactors?

  /// Where ``GradientSource/computeShards(of:into:records:accumulator:)`` leaves factors, in the
  /// places of its shards, and leaves their gradients out of its sums; nil where it makes gradients.
  var factorPlace: FactorPlace? { get set }
}

/// Memory for the factors of a batch that all ranks see.
package struct FactorPlace {
  package let factors: GradientFactors
  package let base: UnsafeMutablePointer<Float>
}

/// Where all ranks share memory: lets them leave the factors of weight gradients there, and each make
/// the blocks that it owns, for all shards, instead of adding blocks that all ranks have written.
///
/// A factor is written after the gather of the step before, behind which nobody reads, and read after
/// all ranks have met for the fold.
final class FactorFold {
  private let source: any FactorSource
  private let exchange: any FactorExchange
  private let plan: FoldPlan
  private let collective: any Collective
  private var arena: SharedArena?
  /// Whether there is no memory that all ranks share.
  private var isRefused = false
  /// Whether the last batch's gradients were made of factors.
  private(set) var isUsed = false
  /// What was made for batches of a size.
  private var products: [Int: FactorProducts] = [:]

  /// Nil where blocks must be added up: where ranks do not share memory, where somebody looks at
  /// single shards' gradients, or where these are rounded.
  init?(
    _ source: any GradientSource, _ exchange: any GradientExchange, _ plan: FoldPlan,
    inspected: Bool, on collective: any Collective
  ) {
    guard let source = source as? any FactorSource, let exchange = exchange as? any FactorExchange,
      !inspected, plan.rounding == nil
    else { return nil }
    self.source = source
    self.exchange = exchange
    self.plan = plan
    self.collective = collective
  }

  /// A batch is about to be computed. Called by all ranks.
  func begin(_ batch: StepBatch) throws {
    let made = try products(for: batch)
    exchange.products = made
    source.factorPlace = made?.place
    isUsed = made != nil
  }

  /// The batch's gradients are folded, or never will be.
  func end() {
    exchange.products = nil
    source.factorPlace = nil
  }

  private func products(for batch: StepBatch) throws -> FactorProducts? {
    guard !isRefused, let factors = try source.factors(of: batch) else { return nil }
    if let known = products[factors.examples], known.place.factors === factors { return known }
    if arena.map({ $0.buffer.count < factors.count }) ?? true {
      arena = try collective.makeSharedArena(
        count: factors.count, otherwise: "every rank writes whole gradients")
      products = [:]
    }
    guard let base = arena?.buffer.baseAddress else {
      isRefused = true
      return nil
    }
    let made = FactorProducts(
      FactorPlace(factors: factors, base: base), plan, rank: collective.rank,
      page: collective.page)
    products[factors.examples] = made
    return made
  }
}
