import LockstepFold
import LockstepEngine

/// The partial sums of a node and of others, for one rank: what it adds up for owners of slices
/// elsewhere, and what it receives for its own slice.
final class PartialSums {
  let plan: FoldPlan
  let group: NodeGroup
  let arenas: SharedArenas
  /// This node's sums of a slice of another node's rank that this rank deals with, one a subtree.
  private(set) var sent: [Int: [NodeSum]] = [:]
  /// Other nodes' sums of this rank's slice, one a subtree; none for the home node.
  private(set) var received: [[Arena<Float>]] = []
  /// All partial sums of this rank's slice, in shard order.
  private let operands: UnsafeMutableBufferPointer<FoldOperand>
  private let executor: FoldExecutor

  init(_ plan: FoldPlan, _ group: NodeGroup, _ arenas: SharedArenas) {
    self.plan = plan
    self.group = group
    self.arenas = arenas
    let local = group.nodes[group.home].flatMap { plan.subtrees[$0] }
    for owner in group.peers {
      sent[owner] = group.trees[group.home].map { tree in
        let inside = local.indices.filter { tree.shards.contains(local[$0].shards.lowerBound) }
        return NodeSum(
          plan.slices[owner], inside.map { local[$0] }, inside.map { arenas.operands[$0] },
          of: plan, in: arenas)
      }
    }
    received = group.trees.enumerated().map { node, trees in
      node == group.home ? [] : trees.map { _ in Arena(indices: plan.slices[group.rank]) }
    }
    let all = received.enumerated().flatMap { node, sums in
      node == group.home
        ? arenas.operands : sums.map { FoldOperand(base: UnsafePointer($0.base)) }
    }
    operands = .allocate(capacity: all.count)
    _ = operands.initialize(fromContentsOf: all)
    executor = FoldExecutor(
      CombineProgram(
        leaves: group.trees.enumerated().flatMap { $0 == group.home ? local : $1 }), of: plan)
  }

  deinit { operands.deallocate() }

  /// Adds all partial sums of a block of this rank's slice.
  func combine(_ block: Block) {
    executor.combine(
      block, of: UnsafeBufferPointer(operands), into: arenas.folded.baseAddress!)
  }
}
