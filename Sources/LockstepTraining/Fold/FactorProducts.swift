import LockstepEngine

/// An exchange whose ranks all read the same memory, so that owners can make blocks from factors.
package protocol FactorExchange: GradientExchange {
  /// What makes blocks that need not be added up; nil where all are added up.
  var products: FactorProducts? { get set }
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
