import LockstepCollective
import LockstepEngine

/// Lets a source leave the factors of a batch's gradients in memory that the ranks of a node share, and
/// knows what is made of them.
///
/// A factor is written after the gather of the step before, behind which nobody reads, and read when all
/// ranks of the node have left theirs of the same product.
package final class SufficientFactorBatches {
  /// Makes an arena that the ranks of a node see; nil, on all ranks of the group, where there is too
  /// little memory. Called by all ranks.
  package typealias ArenaMaker = (_ count: Int, _ otherwise: String) throws -> SharedArena?

  private let source: any SufficientFactorSource
  private let plan: FoldPlan
  private let collective: any Collective
  /// Whether factors must travel before all ranks have them.
  private let travel: Bool
  /// The shards of other nodes' ranks that this rank deals with for its node.
  private let foreignShards: [Range<Int>]
  private let makeArena: ArenaMaker
  private let left: (SufficientFactors.Factor) -> Void
  private var arena: SharedArena?
  /// The inputs that are being laid.
  private var rows = Arena<Float>(count: 0)
  /// Whether there is no memory that the ranks of a node share.
  private var isRefused = false
  /// What was made for batches of a size; nil for those whose gradients are made whole.
  private var products: [Size: SufficientFactorProducts?] = [:]
  /// What makes gradients of the batch that was begun last; nil where all are added up.
  public private(set) var current: SufficientFactorProducts?
  /// Whether the source leaves factors at the moment.
  private var isLeaving = false

  private struct Size: Hashable {
    let examples: Int
    let microBatches: Int
  }

  /// Nil where the source knows nothing of factors, or where there is none.
  ///
  /// - Parameters:
  ///   - left: hears of each factor that this rank has left of all its examples.
  package init?(
    _ source: (any GradientSource)?, _ plan: FoldPlan, on collective: any Collective, travel: Bool,
    foreignShards: [Range<Int>] = [], makeArena: @escaping ArenaMaker,
    left: @escaping (SufficientFactors.Factor) -> Void
  ) {
    guard let source = source as? any SufficientFactorSource else { return nil }
    self.source = source
    self.plan = plan
    self.collective = collective
    self.travel = travel
    self.foreignShards = foreignShards
    self.makeArena = makeArena
    self.left = left
  }

  deinit { end() }

  /// A batch is about to be computed. Called by all ranks.
  package func begin(_ batch: StepBatch) throws {
    current = try products(for: batch)
    current?.open()
    source.leave(current?.factors)
    isLeaving = current != nil
  }

  /// Lays the inputs of other nodes' examples, which every rank can load. Called when this rank's own
  /// have been computed, and before the fold.
  package func loadInputs(_ batch: StepBatch) throws {
    guard isLeaving, let current else { return }
    let factors = current.factors
    for slot in factors.slots {
      let product = factors.products[slot]!  // the slots are those of the products
      guard let input = product.input else { continue }
      for shards in foreignShards {
        let examples = factors.examples(of: shards)
        if rows.count < examples.count * product.columns {
          rows = Arena(count: examples.count * product.columns)
        }
        try source.loadInput(
          input, of: batch, examples,
          into: .init(rebasing: rows.buffer[..<(examples.count * product.columns)]))
        factors.lay(.init(slot: slot, kind: .inputs), rows.base, examples, into: current.base)
      }
    }
  }

  /// The batch's gradients are folded, or never will be.
  package func end() {
    guard isLeaving else { return }
    source.leave(nil)
    isLeaving = false
  }

  private func products(for batch: StepBatch) throws -> SufficientFactorProducts? {
    let size = Size(examples: batch.examples.count, microBatches: batch.microBatches)
    if let known = products[size] { return known }
    guard !isRefused, let factors = try source.sufficientFactors(of: batch, travel: travel) else {
      products[size] = .some(nil)
      return nil
    }
    if arena.map({ $0.buffer.count < factors.count }) ?? true {
      arena = try makeArena(factors.count, "every rank writes whole gradients")
      // Those of other sizes lie in the arena that is gone.
      products = products.filter { $0.value == nil }
    }
    guard let base = arena?.buffer.baseAddress else {
      isRefused = true
      return nil
    }
    let made = SufficientFactorProducts(
      factors, at: base, plan, rank: collective.rank, travel: travel, page: collective.page,
      left: left)
    products[size] = made
    return made
  }
}
