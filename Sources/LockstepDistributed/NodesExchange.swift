import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients on several nodes: shared windows inside a node, messages between them.
///
/// For each slice whose owner is on another node, one rank of a node (its delegate) adds the node's
/// partials up to the maximal subtrees of the node's shards and sends these; the owner joins them
/// with its own node's partials, which it reads in place. Every addition is the tree's, so the bits
/// are those of any other way. A folded slice goes back to the delegates, one message a node, into
/// the arena that the node's ranks share. Where bf16 travels, what the plan rounds is packed.
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
  private let incoming: [WireSlice]
  private let slices: Slices
  /// What carries gradients; nil where they travel as they lie.
  private let packedSlices: Slices?

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  /// One subtree of this node's shards, added up for the owner of a slice elsewhere.
  private struct Dispatch {
    let blocks: Range<Int>
    let sum: Arena<Float>
    let message: WireSlice
    let executor: FoldExecutor
    let operands: [FoldOperand]
  }

  /// The folded slices that travel: this rank's own to other nodes, theirs to this one.
  private struct Slices {
    let messages: MPIPersistentMessages
    let own: WireSlice
    var others: [WireSlice] = []
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
    let home = nodes.firstIndex { $0.contains(rank) }!
    let trees = nodes.map { ranks in
      FoldPlan.Subtree.maximal(
        in: plan.shardRuns[ranks.first!].lowerBound..<plan.shardRuns[ranks.last!].upperBound)
    }
    func delegate(_ node: Int, _ owner: Int) -> Int {
      nodes[node].lowerBound + owner % nodes[node].count
    }

    // What this rank adds up and sends, and the folded slices that come back.
    let local = nodes[home].flatMap { plan.subtrees[$0] }
    var dispatches: [Dispatch] = []
    for (owner, slice) in plan.slices.enumerated()
    where !nodes[home].contains(owner) && delegate(home, owner) == rank && !slice.isEmpty {
      for (tag, tree) in trees[home].enumerated() {
        let inside = local.indices.filter { tree.shards.contains(local[$0].shards.lowerBound) }
        let sum = Arena<Float>(indices: slice)
        let message = WireSlice(
          slice, of: sum.base, owner: sum,
          packed: plan.isRounded(tree) ? PackedSlice(slice, of: plan) : nil)
        dispatches.append(
          Dispatch(
            blocks: plan.blockSlices[owner], sum: sum, message: message,
            executor: FoldExecutor(CombineProgram(leaves: inside.map { local[$0] }), of: plan),
            operands: inside.map { arenas.operands[$0] }))
        try message.addSend(to: owner, tag: tag, partialMessages)
      }
    }
    self.dispatches = dispatches

    // What it receives for the slice that it owns, and whom it sends that to.
    let slice = plan.slices[rank]
    var operands: [FoldOperand] = []
    var incoming: [WireSlice] = []
    for node in nodes.indices {
      if node == home {
        operands += arenas.operands
        continue
      }
      let peer = delegate(node, rank)
      for (tag, tree) in trees[node].enumerated() {
        let sum = Arena<Float>(indices: slice)
        let message = WireSlice(
          slice, of: sum.base, owner: sum,
          packed: plan.isRounded(tree) ? PackedSlice(slice, of: plan) : nil)
        operands.append(FoldOperand(base: UnsafePointer(sum.base)))
        incoming.append(message)
        try message.addReceive(from: peer, tag: tag, partialMessages)
      }
    }
    self.operands = operands
    self.incoming = incoming
    executor = FoldExecutor(
      CombineProgram(leaves: nodes.indices.flatMap { $0 == home ? local : trees[$0] }), of: plan)

    // The folded slices, and who has them from whom.
    let others = nodes.indices.filter { $0 != home }
    let returning = plan.slices.indices.filter {
      !nodes[home].contains($0) && delegate(home, $0) == rank
    }
    func makeSlices(tag: Int, isPacked: Bool) throws -> Slices {
      func message(_ owner: Int) -> WireSlice {
        WireSlice(
          plan.slices[owner], of: arenas.folded.baseAddress!, owner: arenas,
          packed: isPacked ? PackedSlice(plan.slices[owner], of: plan) : nil)
      }
      let own = message(rank)
      var slices = Slices(messages: MPIPersistentMessages(on: communicator), own: own)
      for node in others {
        try own.addSend(to: delegate(node, rank), tag: tag, slices.messages)
      }
      for owner in returning {
        let message = message(owner)
        try message.addReceive(from: owner, tag: tag, slices.messages)
        slices.others.append(message)
      }
      return slices
    }
    let tag = trees.map(\.count).max()!
    slices = try makeSlices(tag: tag, isPacked: false)
    packedSlices =
      plan.wire == .float32 ? nil : try makeSlices(tag: tag + 1, isPacked: true)
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    try arenas.meet()
    try arenas.alone {
      for dispatch in dispatches {
        for index in dispatch.blocks {
          dispatch.executor.combine(
            plan.blocks[index], of: dispatch.operands, into: dispatch.sum.base)
        }
        dispatch.message.pack()
      }
      try exchange(partialMessages)
      for index in plan.blockSlices[rank] {
        for message in incoming { message.unpack(plan.blocks[index].range) }
        executor.combine(plan.blocks[index], of: operands, into: folded.baseAddress!)
        try visit(index)
      }
    }
  }

  func gather(_ contents: FoldedContents) throws {
    let slices = contents == .gradients ? packedSlices ?? slices : slices
    try arenas.alone {
      slices.own.pack()
      try exchange(slices.messages)
      for message in slices.others { message.unpack() }
    }
    try arenas.meet()
  }

  private func exchange(_ messages: MPIPersistentMessages) throws {
    try page.waiting {
      try messages.start()
      try messages.wait { page?.own.awaits($0) }
    }
  }
}
