import LockstepCollective
import LockstepEngine

/// A source that can leave factors of gradients instead of gradients.
package protocol FactorSource: GradientSource {
  /// What the gradients of a batch can be left as; nil where the source makes them whole. The same on
  /// all ranks, since it follows from the batch.
  ///
  /// - Parameter travel: whether factors have to be sent.
  func factors(of batch: StepBatch, travel: Bool) throws -> GradientFactors?

  /// Writes what the program of a batch takes as an input, for the examples at some positions.
  func loadInput(
    _ name: String, of batch: StepBatch, _ positions: Range<Int>,
    into rows: UnsafeMutableBufferPointer<Float>
  ) throws

  /// Where ``GradientSource/computeShards(of:into:records:accumulator:)`` leaves factors, in the
  /// places of its shards, and leaves their gradients out of its sums; nil where it makes gradients.
  var factorPlace: FactorPlace? { get set }
}

/// Lets ranks leave the factors of weight gradients in memory that their node shares, and each make
/// blocks of gradients of them, for all shards, instead of adding blocks that all ranks have written.
/// Between nodes the exchange carries them.
///
/// A factor is written after the gather of the step before, behind which nobody reads, and read when all
/// ranks of the node have left theirs of the same product.
package final class FactorFold {
  private let source: any FactorSource
  private let exchange: any FactorExchange
  private let plan: FoldPlan
  private let collective: any Collective
  private var arena: SharedArena?
  private let foreignShards: [Range<Int>]
  /// The inputs that are being laid.
  private var rows = Arena<Float>(count: 0)
  /// Whether there is no memory that the ranks of a node share.
  private var isRefused = false
  /// Whether the last batch's gradients were made of factors.
  package private(set) var isUsed = false
  /// How many pieces of other ranks' gradients this rank has made.
  package var piecesTaken: Int { exchange.piecesTaken }
  /// What was made for batches of a size.
  private var products: [Int: FactorProducts] = [:]

  /// Nil where blocks must be added up: where the exchange knows nothing else, or where somebody looks at
  /// single shards' gradients.
  package init?(
    _ source: any GradientSource, _ exchange: any GradientExchange, _ plan: FoldPlan,
    inspected: Bool, on collective: any Collective
  ) {
    guard let source = source as? any FactorSource, let exchange = exchange as? any FactorExchange,
      !inspected
    else { return nil }
    self.source = source
    self.exchange = exchange
    self.plan = plan
    self.collective = collective
    foreignShards = exchange.foreignShards
  }

  /// A batch is about to be computed. Called by all ranks.
  package func begin(_ batch: StepBatch) throws {
    let made = try products(for: batch)
    try exchange.use(made)
    source.factorPlace = made?.place
    isUsed = made != nil
  }

  /// Lays the inputs of other nodes' examples, which every rank can load. Called when this rank's own
  /// have been computed, and before the fold.
  package func loadInputs(_ batch: StepBatch) throws {
    guard let place = source.factorPlace else { return }
    for slot in place.factors.slots {
      let product = place.factors.products[slot]!
      guard let input = product.input else { continue }
      for shards in foreignShards {
        let examples = place.factors.examples(of: shards)
        if rows.count < examples.count * product.columns {
          rows = Arena(count: examples.count * product.columns)
        }
        try source.loadInput(
          input, of: batch, examples,
          into: .init(rebasing: rows.buffer[..<(examples.count * product.columns)]))
        place.factors.lay(
          GradientFactors.Factor(slot: slot, kind: .inputs), rows.base, examples, into: place.base)
      }
    }
  }

  /// The batch's gradients are folded, or never will be.
  package func end() { source.factorPlace = nil }

  private func products(for batch: StepBatch) throws -> FactorProducts? {
    guard !isRefused, let factors = try source.factors(of: batch, travel: exchange.factorsTravel)
    else { return nil }
    if let known = products[factors.examples], known.place.factors === factors { return known }
    if arena.map({ $0.buffer.count < factors.count }) ?? true {
      arena = try exchange.makeFactorArena(
        count: factors.count, otherwise: "every rank writes whole gradients")
      products = [:]
    }
    guard let base = arena?.buffer.baseAddress else {
      isRefused = true
      return nil
    }
    let made = FactorProducts(
      factors, at: base, plan, rank: collective.rank, travel: exchange.factorsTravel,
      page: collective.page)
    products[factors.examples] = made
    return made
  }
}
