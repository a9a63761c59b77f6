import LockstepEngine

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
}

extension FactorExchange {
  package var factorsTravel: Bool { false }
  package var foreignShards: [Range<Int>] { [] }
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
    /// What makes the slot's gradient; nil where blocks are added up.
    let product: GradientFactors.Product?
    package var isProduct: Bool { product != nil }
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
      let products = place.factors.products
      runs.append(
        Run(
          slot: slot, blocks: first..<next + 1,
          product: slot < products.count ? products[slot] : nil))
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

  /// Makes the blocks of a run and visits each while it is in the cache.
  ///
  /// - Parameter progress: called now and then.
  package func make(
    _ run: Run, into folded: UnsafeMutablePointer<Float>, progress: () -> Void = {},
    _ visit: (Int) throws -> Void
  ) rethrows {
    let product = run.product!
    let slot = plan.layout.slots[run.slot]
    /// The row behind a block.
    func end(_ block: Int) -> Int {
      (plan.blocks[block].range.upperBound - slot.offset) / product.columns
    }
    let last = end(run.blocks.upperBound - 1)
    var row = (plan.blocks[run.blocks.lowerBound].offset - slot.offset) / product.columns
    let unit = max(Self.runCount / product.columns / Self.rowUnit, 1) * Self.rowUnit
    for block in run.blocks {
      // What is made at once ends where kernels like it, inside of blocks.
      while row < end(block) {
        let rows = row..<min((row / unit + 1) * unit, last)
        page.span(.backward) {
          place.factors.multiply(
            product, rows: rows, of: place.base, roundingFrom: plan.rounding?.levels.lowerBound,
            into: folded + slot.offset)
        }
        row = rows.upperBound
        progress()
      }
      try visit(block)
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
