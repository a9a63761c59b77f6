import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

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
/// Where other things travel beside the sums (``beside``), blocks are made of these, too.
///
/// The ranks of a node meet twice a step, as in ``SharedMemoryExchange``.
/// Partials may be sent from where they lie: sends have finished when a rank comes to the second
/// meeting, before anyone writes partials again. The shared folded arena is written after the first.
/// Messages between two ranks with one tag arrive in order, so a fast node's next step waits for its
/// turn.
final class NodesExchange: GradientExchange {
  let listens = true
  var returnsGradients = false

  private let arenas: SharedArenas
  private let plan: FoldPlan
  let communicator: MPICommunicator
  let page: StatusPage?
  let sums: PartialSums
  let bucketBytes: Int
  /// All buckets.
  private let whole: PartialRoute
  /// Slices whole, and as they lie.
  private let parameters: SliceReturn
  /// What travels beside the sums of the step at hand; nil where all blocks are added up. Set on all
  /// ranks alike, between steps.
  var beside: (any SideTraffic)?
  /// Whether this step's messages have begun.
  private var isOpen = false
  /// What went wrong while nobody could be told.
  private var failure: (any Error)?

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  /// What carries the buckets of the step at hand.
  private var route: PartialRoute { beside?.rest ?? whole }

  /// - Parameters:
  ///   - buckets: the parts of each rank's slice.
  ///   - bucketBytes: how large they were to be.
  ///   - nodes: the ranks of each node; they tile the group.
  ///   - arenas: this node's.
  ///   - parent: all ranks.
  init(
    _ plan: FoldPlan, _ buckets: [[BucketPart]], bucketBytes: Int, nodes: [Range<Int>],
    _ arenas: SharedArenas, on parent: MPICommunicator, page: StatusPage?
  ) throws {
    self.plan = plan
    self.bucketBytes = bucketBytes
    self.arenas = arenas
    self.page = page
    // Its own communicator, so that nobody else's messages match.
    communicator = try page.waiting { try parent.duplicate() }
    let group = NodeGroup(nodes, rank: communicator.rank, of: plan)
    sums = PartialSums(plan, group, arenas)
    whole = try PartialRoute(buckets, sums, on: communicator, page: page)
    let count = buckets.reduce(0) { $0 + $1.count }
    let slices = plan.slices.indices.map { owner in
      [
        BucketPart(
          number: count + owner, blocks: plan.blockSlices[owner], values: plan.slices[owner])
      ]
    }
    parameters = try SliceReturn(
      slices, group, tag: PartialRoute.tags(buckets, group), on: communicator, page: page
    ) { part in
      WireSlice(part, of: arenas.folded.baseAddress!, owner: arenas, packed: nil)
    }
  }

  // MARK: Beside the backward pass

  func ready(_ part: Range<Int>) { if beside == nil { arenas.announcements.add(part) } }

  /// Starts a message of what travels beside the sums. What goes wrong is thrown by ``combine(_:)``.
  func start(_ body: () throws -> Void) {
    attempt {
      try open()
      try body()
    }
  }

  func progress() {
    attempt {
      try open()
      if let beside {
        if try beside.progress() { return }
      } else {
        for dispatch in whole.dispatches
        where dispatch.bucket.isIdle && arenas.announcements.isComplete(dispatch.bucket.part.number)
        {
          try dispatch.send()
        }
      }
      _ = try route.progress()
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
        // Whatever a rank that has failed did not leave.
        _ = try beside?.startAll()
        if returnsGradients { try route.gradients.open() }
        for dispatch in route.dispatches where dispatch.bucket.isIdle { try dispatch.send() }
        try beside?.make(
          into: folded.baseAddress!, isReturning: returnsGradients,
          meet: { try arenas.meet { progress() } }, progress: progress, visit)
        try add(visit)
        try settle()
      } catch {
        // The others have sent and expect to receive, whatever happened here.
        attempt { try settle() }
        throw error
      }
      if let failure { throw failure }
    }
  }

  /// Folds the buckets of this rank's slice, each when it has it from all nodes.
  private func add(_ visit: (Int) throws -> Void) throws {
    for (place, bucket) in route.incoming.enumerated() {
      if try bucket.progress() {
        try page.waiting(isMeeting: false) { try bucket.wait { page?.own.awaits($0) } }
      }
      for index in bucket.part.blocks {
        let block = plan.blocks[index]
        bucket.unpack(block.range)
        sums.combine(block)
        try visit(index)
      }
      if returnsGradients { try route.gradients.send(place) }
      // What is sent goes on meanwhile.
      progress()
    }
  }

  func gather(_ contents: FoldedContents) throws {
    try arenas.alone {
      try page.waiting(isMeeting: false) {
        try (contents == .gradients ? route.gradients : parameters).finish {
          page?.own.awaits($0)
        }
      }
    }
    try arenas.meet()
  }

  // MARK: Messages

  /// Gets ready to receive.
  private func open() throws {
    guard !isOpen else { return }
    isOpen = true
    try route.open()
    try beside?.open()
  }

  /// Starts what has not been started, as it is, and waits for all that is under way.
  private func settle() throws {
    try open()
    var isPending = try route.startAll()
    if try beside?.startAll() == true { isPending = true }
    guard isPending else { return }
    try page.waiting(isMeeting: false) {
      try beside?.wait { page?.own.awaits($0) }
      try route.wait { page?.own.awaits($0) }
    }
  }

  private func reset() {
    isOpen = false
    failure = nil
    arenas.announcements.reset()
    route.reset()
    beside?.reset()
  }

  /// Keeps what goes wrong for ``combine(_:)``.
  private func attempt(_ body: () throws -> Void) {
    guard failure == nil else { return }
    do { try body() } catch { failure = error }
  }
}
