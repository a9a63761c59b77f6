import LockstepCollective
import LockstepObservation
import LockstepEngine

/// Memory for the factors of a batch that all ranks of a node see.
package struct FactorPlace {
  package let factors: GradientFactors
  package let base: UnsafeMutablePointer<Float>
  /// Where a rank leaves those of its own examples for other nodes; nil where there are none.
  package var outbox: GradientFactors.Outbox?
}

/// An exchange whose ranks have all factors at hand, so that they can make blocks of them.
package protocol FactorExchange: GradientExchange {
  /// Whether factors must travel before all ranks have them.
  var factorsTravel: Bool { get }

  /// The shards of other nodes' ranks that this rank deals with for its node.
  var foreignShards: [Range<Int>] { get }

  /// Makes an arena that all ranks see among which nothing travels; nil, on every rank of the group,
  /// where there is too little memory. Called by all ranks.
  ///
  /// - Parameter consequence: what is done without.
  func makeFactorArena(count: Int, otherwise consequence: String) throws -> SharedArena?

  /// What makes blocks of the steps to come that need not be added up; nil where all are added up.
  /// Called by all ranks.
  func use(_ products: FactorProducts?) throws

  /// Hears that this rank has left a factor of all its examples, which may travel.
  func ready(_ factor: GradientFactors.Factor)

  /// How many pieces of other ranks' slices this rank has made so far.
  var piecesTaken: Int { get }
}

extension FactorExchange {
  package var factorsTravel: Bool { false }
  package var foreignShards: [Range<Int>] { [] }
  package var piecesTaken: Int { 0 }
  package func ready(_ factor: GradientFactors.Factor) {}
}

/// Makes blocks of weight gradients from the factors of all shards.
package final class FactorProducts {
  package let place: FactorPlace
  private let plan: FoldPlan
  private let page: StatusPage?
  /// Where this rank leaves factors for other nodes; nil where there are none.
  package let outbox: Arena<Float>?

  /// A run of blocks of one slot.
  package struct Run {
    package let slot: Int
    package let blocks: Range<Int>
    /// What makes them; nothing where blocks are added up.
    package let pieces: [Piece]
    package var isProduct: Bool { !pieces.isEmpty }
  }

  /// Rows of one product that are made at once.
  package struct Piece {
    package let slot: Int
    let product: GradientFactors.Product
    let rows: Range<Int>
    /// The blocks that are complete when this piece of a run and those before it are made.
    package let blocks: Range<Int>
  }

  /// Rows are made in runs of so many values, which are still in the cache when they are visited.
  private static let runCount = 1 << 16
  /// So many rows are a multiple of what kernels make at once.
  private static let rowUnit = 24

  /// - Parameters:
  ///   - base: memory for all factors, which the ranks of a node share.
  ///   - travel: whether other nodes need this rank's.
  init(
    _ factors: GradientFactors, at base: UnsafeMutablePointer<Float>, _ plan: FoldPlan, rank: Int,
    travel: Bool, page: StatusPage?
  ) {
    self.plan = plan
    self.page = page
    let examples = factors.examples(of: plan.shardRuns[rank])
    outbox = travel ? Arena(count: examples.count * factors.valuesPerExample) : nil
    place = FactorPlace(
      factors: factors, base: base,
      outbox: outbox.map { GradientFactors.Outbox($0.base, examples: examples) })
  }

  /// Blocks in runs, slot by slot.
  package func runs(of blocks: Range<Int>) -> [Run] {
    var runs: [Run] = []
    var first = blocks.lowerBound
    for next in blocks
    where next + 1 == blocks.upperBound
      || plan.blocks[next + 1].slot != plan.blocks[first].slot
    {
      let slot = plan.blocks[first].slot
      runs.append(
        Run(slot: slot, blocks: first..<next + 1, pieces: pieces(of: slot, first..<next + 1)))
      first = next + 1
    }
    return runs
  }

  /// Makes the blocks of runs that are products, and has the others added up and visited.
  package func make(
    _ runs: [Run], into folded: UnsafeMutablePointer<Float>, _ visit: (Int) throws -> Void,
    adding add: (Range<Int>) throws -> Void
  ) rethrows {
    for run in runs {
      if run.isProduct { try make(run, into: folded, visit) } else { try add(run.blocks) }
    }
  }

  /// What makes a run of a slot's blocks; nothing where the slot is no product.
  private func pieces(of index: Int, _ blocks: Range<Int>) -> [Piece] {
    let products = place.factors.products
    guard index < products.count, let product = products[index] else { return [] }
    let slot = plan.layout.slots[index]
    /// The row behind a block.
    func end(_ block: Int) -> Int {
      (plan.blocks[block].range.upperBound - slot.offset) / product.columns
    }
    let last = end(blocks.upperBound - 1)
    let unit = max(Self.runCount / product.columns / Self.rowUnit, 1) * Self.rowUnit
    var row = (plan.blocks[blocks.lowerBound].offset - slot.offset) / product.columns
    var block = blocks.lowerBound
    var pieces: [Piece] = []
    while row < last {
      // It ends where kernels like it, inside of blocks.
      let rows = row..<min((row / unit + 1) * unit, last)
      let first = block
      while block < blocks.upperBound, end(block) <= rows.upperBound { block += 1 }
      pieces.append(Piece(slot: index, product: product, rows: rows, blocks: first..<block))
      row = rows.upperBound
    }
    return pieces
  }

  /// Makes the rows of a piece.
  package func make(_ piece: Piece, into folded: UnsafeMutablePointer<Float>) {
    page.span(.backward) {
      place.factors.multiply(
        piece.product, rows: piece.rows, of: place.base,
        roundingFrom: plan.rounding?.levels.lowerBound,
        into: folded + plan.layout.slots[piece.slot].offset)
    }
  }

  /// Makes the blocks of a run and visits each while it is in the cache.
  ///
  /// - Parameter progress: called now and then.
  package func make(
    _ run: Run, into folded: UnsafeMutablePointer<Float>, progress: () -> Void = {},
    _ visit: (Int) throws -> Void
  ) rethrows {
    for piece in run.pieces {
      make(piece, into: folded)
      progress()
      for block in piece.blocks { try visit(block) }
    }
  }
}

extension GradientFactors {
  /// The places in the batch of shards' examples.
  package func examples(of shards: Range<Int>) -> Range<Int> {
    let size = examples / self.shards
    return shards.lowerBound * size..<shards.upperBound * size
  }
}
