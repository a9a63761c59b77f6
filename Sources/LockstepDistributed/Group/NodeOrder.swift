import LockstepMPI

/// Ranks in node-major order: those of one node stand together, whatever the launcher's mapping.
///
/// A rank computes a contiguous run of shards, so in this order each node's shards are contiguous
/// too, and most of the tree's additions join neighbours of one node.
package enum NodeOrder {
  /// The same ranks, renumbered: by the lowest rank of their node, then by their own. Collective.
  package static func communicator(of communicator: MPICommunicator) throws(MPIError)
    -> MPICommunicator
  {
    let node = try communicator.splitBySharedMemory()
    let leader = try node.broadcast(communicator.rank, root: 0)
    return try self.communicator(of: communicator, leader: leader)
  }

  /// The same ranks, renumbered for nodes that are told apart by their lowest rank.
  package static func communicator(of communicator: MPICommunicator, leader: Int)
    throws(MPIError) -> MPICommunicator
  {
    let order = ranks(leaders: try communicator.allgather(leader))
    let place = order.firstIndex(of: communicator.rank)!
    // One colour for all, so that every rank gets the one group.
    return try communicator.split(color: 0, key: place)!
  }

  /// The ranks of each node, given each rank's node by that node's lowest rank in ranks that are in
  /// node-major order.
  package static func nodes(leaders: [Int]) -> [Range<Int>] {
    var nodes: [Range<Int>] = []
    for (rank, leader) in leaders.enumerated() {
      if rank > 0, leaders[rank - 1] == leader {
        nodes[nodes.count - 1] = nodes.last!.lowerBound..<rank + 1
      } else {
        nodes.append(rank..<rank + 1)
      }
    }
    return nodes
  }

  /// The ranks in node-major order, given each rank's node by that node's lowest rank.
  package static func ranks(leaders: [Int]) -> [Int] {
    leaders.indices.sorted { (leaders[$0], $0) < (leaders[$1], $1) }
  }
}
