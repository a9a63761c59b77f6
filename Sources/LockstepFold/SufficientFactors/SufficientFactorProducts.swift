import LockstepObservation
import LockstepEngine

/// Makes blocks of weight gradients from the factors of all shards.
package final class SufficientFactorProducts {
  package let factors: SufficientFactors
  /// The factors of all shards, in memory that the ranks of a node share.
  package let base: UnsafeMutablePointer<Float>
  private let place: SufficientFactors.Place
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
    let product: SufficientFactors.Product
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
  ///   - left: hears of each factor that this rank has left of all its examples.
  init(
    _ factors: SufficientFactors, at base: UnsafeMutablePointer<Float>, _ plan: FoldPlan, rank: Int,
    travel: Bool, page: StatusPage?, left: @escaping (SufficientFactors.Factor) -> Void
  ) {
    self.factors = factors
    self.base = base
    self.plan = plan
    self.page = page
    let own = factors.examples(of: plan.shardRuns[rank])
    outbox = travel ? Arena(count: own.count * factors.valuesPerExample) : nil
    place = SufficientFactors.Place(base: base, own: own, outbox: outbox?.base, left: left)
  }

  /// Lets runs leave factors here.
  func open() { factors.place = place }

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

  /// What makes a run of a slot's blocks; nothing where the slot is no product.
  private func pieces(of index: Int, _ blocks: Range<Int>) -> [Piece] {
    let products = factors.products
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
      factors.multiply(
        piece.product, rows: piece.rows, of: base,
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
