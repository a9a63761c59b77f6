import LockstepFold
import LockstepEngine

/// One subtree of a node's shards in a slice that is owned elsewhere, as the slice's delegate on the
/// node makes it: the sum of the node's partials inside of it, or the one partial that it is.
final class NodeSum {
  /// The value with index 0, which may lie outside where only the slice is at hand.
  let base: UnsafeMutablePointer<Float>
  /// What keeps its memory.
  let owner: AnyObject

  private let plan: FoldPlan
  /// Nil where there is nothing to add.
  private let executor: FoldExecutor?
  private let operands: UnsafeMutableBufferPointer<FoldOperand>

  /// - Parameters:
  ///   - leaves: the partials' subtrees, in shard order.
  ///   - operands: where the partials lie.
  ///   - arenas: what keeps these.
  init(
    _ slice: Range<Int>, _ leaves: [FoldPlan.Subtree], _ operands: [FoldOperand], of plan: FoldPlan,
    in arenas: SharedArenas
  ) {
    self.plan = plan
    self.operands = .allocate(capacity: operands.count)
    _ = self.operands.initialize(fromContentsOf: operands)
    if operands.count == 1 {
      executor = nil
      base = UnsafeMutablePointer(mutating: operands[0].base)
      owner = arenas
    } else {
      executor = FoldExecutor(CombineProgram(leaves: leaves), of: plan)
      let sum = Arena<Float>(indices: slice)
      base = sum.base
      owner = sum
    }
  }

  deinit { operands.deallocate() }

  /// Adds the partials of blocks.
  func add(_ blocks: Range<Int>) {
    guard let executor else { return }
    let (operands, base) = (UnsafeBufferPointer(operands), base)
    plan.blocks.withUnsafeBufferPointer { all in
      for index in blocks { executor.combine(all[index], of: operands, into: base) }
    }
  }
}
