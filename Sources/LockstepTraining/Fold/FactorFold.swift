import LockstepEngine

/// A source that can leave factors of gradients instead of gradients.
package protocol FactorSource: GradientSource {
  /// What the gradients of a batch can be left as; nil where the source makes them whole. The same on
  /// all ranks, since it follows from the batch.
  func factors(of batch: StepBatch) throws -> GradientFactors?

  /// Where ``GradientSource/computeShards(of:into:records:accumulator:)`` leaves factors, in the
  /// places of its shards, and leaves their gradients out of its sums; nil where it makes gradients.
  var place: FactorPlace? { get set }
}

/// Memory for the factors of a batch that all ranks see.
package struct FactorPlace {
  package let factors: GradientFactors
  package let base: UnsafeMutablePointer<Float>
}

/// An exchange whose ranks all read the same memory, so that owners can make blocks from factors.
package protocol FactorExchange: GradientExchange {
  /// What makes blocks that need not be added up; nil where all are added up.
  var products: FactorProducts? { get set }
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
    source.place = made?.place
    isUsed = made != nil
  }

  /// The batch's gradients are folded, or never will be.
  func end() {
    exchange.products = nil
    source.place = nil
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

/// Makes the blocks of weight gradients that a rank owns from the factors of all shards.
package final class FactorProducts {
  let place: FactorPlace
  private let plan: FoldPlan
  private let page: StatusPage?
  /// The values that the rank owns.
  private let owned: Range<Int>
  /// The value up to which the slot at hand has been made, in this step.
  private var end = 0

  /// Rows are made in runs of so many values, which are still in the cache when they are visited.
  private static let runCount = 1 << 16
  /// So many rows are a multiple of what kernels make at once.
  private static let rowUnit = 24

  init(_ place: FactorPlace, _ plan: FoldPlan, rank: Int, page: StatusPage?) {
    self.place = place
    self.plan = plan
    self.page = page
    owned = plan.slices[rank]
  }

  /// A fold begins.
  package func begin() { end = 0 }

  /// Makes an owned block, in ascending order of blocks; returns false for a block that has to be added
  /// up.
  package func make(_ block: Block, into folded: UnsafeMutablePointer<Float>) -> Bool {
    guard block.slot < place.factors.products.count,
      let product = place.factors.products[block.slot]
    else { return false }
    let slot = plan.layout.slots[block.slot]
    let all = (min(owned.upperBound, slot.offset + slot.count) - slot.offset) / product.columns
    let run = max(Self.runCount / product.columns / Self.rowUnit, 1) * Self.rowUnit
    // Runs end where kernels like it, inside of blocks.
    while end < block.range.upperBound {
      let first = (max(end, block.offset) - slot.offset) / product.columns
      let rows = first..<min((first / run + 1) * run, all)
      page.span(.backward) {
        place.factors.multiply(
          product, rows: rows, of: place.base, into: folded + slot.offset)
      }
      end = slot.offset + rows.upperBound * product.columns
    }
    return true
  }
}
