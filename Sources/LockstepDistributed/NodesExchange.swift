import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients on several nodes: shared memory inside a node, messages between them. A node may have
/// one rank.
///
/// For each slice whose owner is on another node, one rank of a node (its delegate) adds the node's
/// partials up to the maximal subtrees of the node's shards and sends these; the owner joins them
/// with its own node's partials, which it reads in place. Every addition is the tree's, so the bits
/// are those of any other way. A folded slice goes back to the delegates, one message a node, into
/// the arena that the node's ranks share. Where bf16 travels, what the plan rounds is packed.
///
/// Slices travel in buckets, beside the rest of the backward pass: as soon as all ranks of a node have
/// announced a bucket (``ready(_:)``) its delegate, whenever it looks (``progress()``), adds it up and
/// sends it. What was not announced travels when ``combine(_:)`` is called. Where gradients are to
/// come back (``returnsGradients``), an owner sends each bucket as soon as it is folded.
///
/// The ranks of a node meet twice a step, as in ``SharedMemoryExchange``. Partials may be sent from
/// where they lie: sends have finished when a rank comes to the second meeting, before anyone writes
/// partials again. The shared folded arena is written after the first. Messages between two ranks with
/// one tag arrive in order, so a fast node's next step waits for its turn.
final class NodesExchange: GradientExchange {
  let listens = true
  var returnsGradients = false

  private let arenas: SharedArenas
  private let plan: FoldPlan
  private let rank: Int
  private let page: StatusPage?
  private let executor: FoldExecutor
  private let operands: UnsafeMutableBufferPointer<FoldOperand>
  /// Keeps what was received for ``operands``.
  private let received: [Arena<Float>]
  private let dispatches: [Dispatch]
  /// Of this rank's slice, in the order of its blocks.
  private let incoming: [MessageBucket]
  private let gradients: SliceReturn
  /// Slices whole, and as they lie.
  private let parameters: SliceReturn
  /// Whether this step's messages have begun.
  private var isOpen = false
  /// What went wrong while nobody could be told.
  private var failure: (any Error)?

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  /// A bucket of a slice elsewhere, of which this rank is the delegate.
  private struct Dispatch {
    let bucket: MessageBucket
    let sums: [NodeSum]

    /// Adds the node's partials up and starts their way.
    func send() throws {
      for sum in sums { sum.add(bucket.part.blocks) }
      try bucket.start()
    }
  }

  /// - Parameters:
  ///   - buckets: the parts of each rank's slice.
  ///   - nodes: the ranks of each node; they tile the group.
  ///   - arenas: this node's.
  ///   - parent: all ranks.
  init(
    _ plan: FoldPlan, _ buckets: [[BucketPart]], nodes: [Range<Int>], _ arenas: SharedArenas,
    on parent: MPICommunicator, page: StatusPage?
  ) throws {
    self.plan = plan
    self.arenas = arenas
    self.page = page
    // Its own communicator, so that nobody else's messages match.
    let communicator = try parent.duplicate()
    let rank = communicator.rank
    self.rank = rank
    let home = nodes.firstIndex { $0.contains(rank) }!
    let trees = nodes.map { ranks in
      FoldPlan.Subtree.maximal(
        in: plan.shardRuns[ranks.first!].lowerBound..<plan.shardRuns[ranks.last!].upperBound)
    }
    func delegate(_ node: Int, _ owner: Int) -> Int {
      nodes[node].lowerBound + owner % nodes[node].count
    }
    /// The slices of other nodes that this rank is the delegate of, the next node's first, so that
    /// not all send to one.
    let foreign = Array(nodes[home].upperBound..<plan.ranks) + Array(0..<nodes[home].lowerBound)
    let owners = foreign.filter { delegate(home, $0) == rank }
    // A message's tag says which bucket of the slice and which of the node's subtrees.
    let places = trees.map(\.count).max()!
    func slice(
      _ part: Range<Int>, _ tree: FoldPlan.Subtree, _ base: UnsafeMutablePointer<Float>,
      _ owner: AnyObject
    ) -> WireSlice {
      WireSlice(
        part, of: base, owner: owner,
        packed: plan.isRounded(tree) ? PackedSlice(part, of: plan) : nil)
    }

    // What this rank adds up and sends.
    let local = nodes[home].flatMap { plan.subtrees[$0] }
    dispatches = try owners.flatMap { owner in
      let sums = trees[home].map { tree in
        let inside = local.indices.filter { tree.shards.contains(local[$0].shards.lowerBound) }
        return NodeSum(
          plan.slices[owner], inside.map { local[$0] }, inside.map { arenas.operands[$0] },
          of: plan, in: arenas)
      }
      return try buckets[owner].enumerated().map { number, part in
        let bucket = MessageBucket(part, sends: true, on: communicator, page: page)
        for (place, (tree, sum)) in zip(trees[home], sums).enumerated() {
          try bucket.add(
            slice(part.values, tree, sum.base, sum.owner), with: owner,
            tag: number * places + place)
        }
        return Dispatch(bucket: bucket, sums: sums)
      }
    }

    // What it receives for the slice that it owns.
    incoming = buckets[rank].map {
      MessageBucket($0, sends: false, on: communicator, page: page)
    }
    var operands: [FoldOperand] = []
    var received: [Arena<Float>] = []
    for node in nodes.indices {
      if node == home {
        operands += arenas.operands
        continue
      }
      for (place, tree) in trees[node].enumerated() {
        let sum = Arena<Float>(indices: plan.slices[rank])
        for (number, bucket) in incoming.enumerated() {
          try bucket.add(
            slice(bucket.part.values, tree, sum.base, sum), with: delegate(node, rank),
            tag: number * places + place)
        }
        operands.append(FoldOperand(base: UnsafePointer(sum.base)))
        received.append(sum)
      }
    }
    self.operands = .allocate(capacity: operands.count)
    _ = self.operands.initialize(fromContentsOf: operands)
    self.received = received
    executor = FoldExecutor(
      CombineProgram(leaves: nodes.indices.flatMap { $0 == home ? local : trees[$0] }), of: plan)

    // The folded slices, and who has them from whom.
    let largest = buckets.map(\.count).max() ?? 0
    let count = buckets.reduce(0) { $0 + $1.count }
    func slices(_ parts: [[BucketPart]], tag: Int, isPacked: Bool) throws -> SliceReturn {
      try SliceReturn(
        parts, rank: rank,
        delegates: nodes.indices.filter { $0 != home }.map { delegate($0, rank) }, owners: owners,
        tag: tag, on: communicator, page: page
      ) { part in
        WireSlice(
          part, of: arenas.folded.baseAddress!, owner: arenas,
          packed: isPacked ? PackedSlice(part, of: plan) : nil)
      }
    }
    gradients = try slices(buckets, tag: largest * places, isPacked: plan.wire != .float32)
    let whole = plan.slices.indices.map { owner in
      [
        BucketPart(
          number: count + owner, blocks: plan.blockSlices[owner], values: plan.slices[owner])
      ]
    }
    parameters = try slices(whole, tag: largest * (places + 1), isPacked: false)
  }

  deinit { operands.deallocate() }

  // MARK: Beside the backward pass

  func ready(_ part: Range<Int>) { arenas.announcements.add(part) }

  func progress() {
    attempt {
      try open()
      for dispatch in dispatches
      where dispatch.bucket.isIdle && arenas.announcements.isComplete(dispatch.bucket.part.number) {
        try dispatch.send()
      }
      // One look moves all messages; those of the last blocks, which come first, are looked at first.
      for place in incoming.indices.reversed() where try incoming[place].progress() { return }
      for place in dispatches.indices.reversed() {
        if try dispatches[place].bucket.progress() { return }
      }
    }
  }

  func abandon() {
    failure = nil
    attempt { try settle() }
    // Nobody writes partials while another may be looking.
    attempt { try arenas.meet() }
    reset()
  }

  // MARK: When all is computed

  func combine(_ visit: (Int) throws -> Void) throws {
    defer { reset() }
    arenas.announcements.addAll()
    try arenas.meet { progress() }
    try arenas.alone {
      if let failure { throw failure }
      do {
        try open()
        if returnsGradients { try gradients.open() }
        for dispatch in dispatches where dispatch.bucket.isIdle { try dispatch.send() }
        let (operands, result) = (UnsafeBufferPointer(operands), folded.baseAddress!)
        for (place, bucket) in incoming.enumerated() {
          if try bucket.progress() {
            try page.waiting { try bucket.wait { page?.own.awaits($0) } }
          }
          for index in bucket.part.blocks {
            let block = plan.blocks[index]
            bucket.unpack(block.range)
            executor.combine(block, of: operands, into: result)
            try visit(index)
          }
          if returnsGradients { try gradients.send(place) }
          // What is sent goes on meanwhile.
          progress()
        }
        try settle()
      } catch {
        // The others have sent and expect to receive, whatever happened here.
        attempt { try settle() }
        throw error
      }
      if let failure { throw failure }
    }
  }

  func gather(_ contents: FoldedContents) throws {
    try arenas.alone {
      try page.waiting {
        try (contents == .gradients ? gradients : parameters).finish { page?.own.awaits($0) }
      }
    }
    try arenas.meet()
  }

  // MARK: Messages

  /// Gets ready to receive.
  private func open() throws {
    guard !isOpen else { return }
    isOpen = true
    for bucket in incoming { try bucket.start() }
  }

  /// Starts what has not been started, as it is, and waits for all partial sums.
  private func settle() throws {
    try open()
    for dispatch in dispatches { try dispatch.bucket.start() }
    var isPending = false
    for dispatch in dispatches where try dispatch.bucket.progress() { isPending = true }
    for bucket in incoming where try bucket.progress() { isPending = true }
    guard isPending else { return }
    try page.waiting {
      for bucket in incoming { try bucket.wait { page?.own.awaits($0) } }
      for dispatch in dispatches { try dispatch.bucket.wait { page?.own.awaits($0) } }
    }
  }

  private func reset() {
    isOpen = false
    failure = nil
    arenas.announcements.reset()
    for bucket in incoming { bucket.reset() }
    for dispatch in dispatches { dispatch.bucket.reset() }
  }

  /// Keeps what goes wrong for ``combine(_:)``.
  private func attempt(_ body: () throws -> Void) {
    guard failure == nil else { return }
    do { try body() } catch { failure = error }
  }
}
