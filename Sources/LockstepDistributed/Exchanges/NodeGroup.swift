import LockstepFold

/// The ranks of several nodes, as one of them sees it, and who stands for its node in what.
struct NodeGroup {
  /// The ranks of each node; they tile the group.
  let nodes: [Range<Int>]
  let rank: Int
  /// The rank's own node.
  let home: Int
  /// The maximal subtrees of each node's shards.
  let trees: [[FoldPlan.Subtree]]

  init(_ nodes: [Range<Int>], rank: Int, of plan: FoldPlan) {
    self.nodes = nodes
    self.rank = rank
    home = nodes.firstIndex { $0.contains(rank) }!
    trees = nodes.map { ranks in
      FoldPlan.Subtree.maximal(
        in: plan.shardRuns[ranks.first!].lowerBound..<plan.shardRuns[ranks.last!].upperBound)
    }
  }

  /// The other nodes.
  var others: [Int] { nodes.indices.filter { $0 != home } }

  /// Who deals with a rank of another node for its node.
  func delegate(of node: Int, with peer: Int) -> Int {
    nodes[node].lowerBound + peer % nodes[node].count
  }

  /// The delegates of the other nodes, which deal with this rank.
  var delegates: [Int] { others.map { delegate(of: $0, with: rank) } }

  /// The ranks of other nodes that this rank deals with, those of the next node first, so that not all
  /// send to one.
  var peers: [Int] {
    let foreign =
      Array(nodes[home].upperBound..<nodes.last!.upperBound) + Array(0..<nodes[home].lowerBound)
    return foreign.filter { delegate(of: home, with: $0) == rank }
  }
}
