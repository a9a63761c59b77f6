import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients on several nodes: shared windows inside a node, messages between them.
///
/// For each slice whose owner is on another node, one rank of a node (its delegate) adds the node's
/// partials up to the maximal subtrees of the node's shards and sends these; the owner joins them
/// with its own node's partials, which it reads in place. Every addition is the tree's, so the bits
/// are those of any other way. A folded slice goes back to the delegates, one message a node, into
/// the arena that the node's ranks share.
///
/// The ranks of a node meet twice a step, as in ``SharedMemoryExchange``; messages between two
/// ranks arrive in order, and all that were started are finished before either reuse.
final class NodesExchange: GradientExchange {
  private let arenas: SharedArenas
  private let plan: FoldPlan
  private let rank: Int
  private let page: StatusPage?
  private let executor: FoldExecutor
  private let operands: [FoldOperand]
  private let dispatches: [Dispatch]
  private let partialMessages: MPIPersistentMessages
  private let sliceMessages: MPIPersistentMessages
  private let received: [Arena<Float>]

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  /// One subtree of this node's shards, added up for the owner of a slice elsewhere.
  private struct Dispatch {
    let blocks: Range<Int>
    let sum: Arena<Float>
    let executor: FoldExecutor
    let operands: [FoldOperand]
  }

  /// - Parameters:
  ///   - nodes: the ranks of each node; they tile the group.
  ///   - arenas: this node's.
  ///   - parent: all ranks.
  init(
    _ plan: FoldPlan, nodes: [Range<Int>], _ arenas: SharedArenas, on parent: MPICommunicator,
    page: StatusPage?
  ) throws {
    self.plan = plan
    self.arenas = arenas
    self.page = page
    // Its own communicator, so that nobody else's messages match.
    let communicator = try parent.duplicate()
    let rank = communicator.rank
    self.rank = rank
    partialMessages = MPIPersistentMessages(on: communicator)
    sliceMessages = MPIPersistentMessages(on: communicator)
    let home = nodes.firstIndex { $0.contains(rank) }!
    let trees = nodes.map { ranks in
      FoldPlan.Subtree.maximal(
        in: plan.shardRuns[ranks.first!].lowerBound..<plan.shardRuns[ranks.last!].upperBound)
    }
    func delegate(_ node: Int, _ owner: Int) -> Int {
      nodes[node].lowerBound + owner % nodes[node].count
    }
    let sliceTag = trees.map(\.count).max()!

    // What this rank adds up and sends, and the folded slices that come back.
    let local = nodes[home].flatMap { plan.subtrees[$0] }
    var dispatches: [Dispatch] = []
    for (owner, slice) in plan.slices.enumerated()
    where !nodes[home].contains(owner) && delegate(home, owner) == rank && !slice.isEmpty {
      for (tag, tree) in trees[home].enumerated() {
        let inside = local.indices.filter { tree.shards.contains(local[$0].shards.lowerBound) }
        let sum = Arena<Float>(indices: slice)
        dispatches.append(
          Dispatch(
            blocks: plan.blockSlices[owner], sum: sum,
            executor: FoldExecutor(CombineProgram(leaves: inside.map { local[$0] })),
            operands: inside.map { arenas.operands[$0] }))
        try partialMessages.addSend(
          UnsafeBufferPointer(sum.buffer), to: owner, tag: tag, owner: sum)
      }
      try sliceMessages.addReceive(
        into: .init(rebasing: arenas.folded[slice]), from: owner, tag: sliceTag, owner: arenas)
    }
    self.dispatches = dispatches

    // What it receives for the slice that it owns, and whom it sends that to.
    let slice = plan.slices[rank]
    var operands: [FoldOperand] = []
    var received: [Arena<Float>] = []
    for (node, ranks) in nodes.enumerated() {
      if node == home {
        operands += arenas.operands
        continue
      }
      let peer = delegate(node, rank)
      for tag in trees[node].indices {
        let sum = Arena<Float>(indices: slice)
        received.append(sum)
        operands.append(FoldOperand(base: UnsafePointer(sum.base)))
        if !slice.isEmpty {
          try partialMessages.addReceive(into: sum.buffer, from: peer, tag: tag, owner: sum)
        }
      }
      if !slice.isEmpty, !ranks.isEmpty {
        try sliceMessages.addSend(
          UnsafeBufferPointer(rebasing: arenas.folded[slice]), to: peer, tag: sliceTag,
          owner: arenas)
      }
    }
    self.operands = operands
    self.received = received
    executor = FoldExecutor(
      CombineProgram(
        leaves: nodes.indices.flatMap { $0 == home ? local : trees[$0] }))
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    try arenas.meet()
    try arenas.alone {
      for dispatch in dispatches {
        for index in dispatch.blocks {
          dispatch.executor.combine(
            plan.blocks[index], of: dispatch.operands, into: dispatch.sum.base)
        }
      }
      try exchange(partialMessages)
      for index in plan.blockSlices[rank] {
        executor.combine(plan.blocks[index], of: operands, into: folded.baseAddress!)
        try visit(index)
      }
    }
  }

  func gather() throws {
    try arenas.alone { try exchange(sliceMessages) }
    try arenas.meet()
  }

  private func exchange(_ messages: MPIPersistentMessages) throws {
    try page.waiting {
      try messages.start()
      try messages.wait { page?.own.awaits($0) }
    }
  }
}
