import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients as messages: each rank sends every owner its slice of every partial, owners add in
/// tree order, and the folded slices are gathered.
///
/// A slice travels in buckets, each as soon as a rank has announced all of it (``ready(_:)``), beside
/// the rest of the backward pass; what was not announced travels when ``combine(_:)`` is called. A
/// message is the bucket of one partial, read from the arena where it lies or packed; its tag says
/// which bucket and which of its rank's partials. Sends have finished when ``combine(_:)`` returns, so
/// partials may be rewritten then; messages between two ranks with one tag arrive in order, so a fast
/// rank's next step waits for its turn.
final class MessageExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>
  let listens = true

  private let plan: FoldPlan
  private let communicator: MPICommunicator
  private let page: StatusPage?
  private let arena: Arena<Float>
  private let executor: FoldExecutor
  private let operands: [FoldOperand]
  /// Of this rank's slice, in the order of its blocks.
  private let incoming: [MessageBucket]
  /// Of the others' slices.
  private let outgoing: [MessageBucket]
  private let packedGather: PackedGather?
  private let counts: [Int]
  private let displacements: [Int]
  /// Keeps the memory of ``partials``.
  private let own: [Arena<Float>]
  /// Whether this step's messages have begun.
  private var isOpen = false
  /// What went wrong while nobody could be told.
  private var failure: (any Error)?

  /// - Parameter bucketBytes: the size of a bucket, as Float32.
  init(
    _ plan: FoldPlan, on parent: MPICommunicator, page: StatusPage?, bucketBytes: Int
  ) throws {
    self.plan = plan
    self.page = page
    // Its own communicator, so that nobody else's messages match.
    let communicator = try parent.duplicate()
    self.communicator = communicator
    let rank = communicator.rank
    executor = FoldExecutor(plan)
    arena = Arena(count: plan.layout.count)
    folded = arena.buffer
    let own = plan.subtrees[rank].map { _ in Arena<Float>(count: plan.layout.count) }
    partials = own.map(\.buffer)

    let cuts = plan.slices.indices.map { plan.buckets(ofRank: $0, bytes: bucketBytes) }
    func packed(_ part: Range<Int>, _ subtree: FoldPlan.Subtree) -> PackedSlice? {
      plan.isRounded(subtree) ? PackedSlice(part, of: plan) : nil
    }
    let places = plan.subtrees.map(\.count).max() ?? 1
    incoming = cuts[rank].map { MessageBucket($0, sends: false, on: communicator) }
    var operands: [FoldOperand] = []
    for (peer, subtrees) in plan.subtrees.enumerated() {
      for (place, subtree) in subtrees.enumerated() {
        if peer == rank {
          operands.append(FoldOperand(base: UnsafePointer(own[place].base)))
          continue
        }
        let received = Arena<Float>(indices: plan.slices[rank])
        for (number, bucket) in incoming.enumerated() {
          let slice = WireSlice(
            bucket.values, of: received.base, owner: received,
            packed: packed(bucket.values, subtree))
          try bucket.add(slice, with: peer, tag: number * places + place)
        }
        operands.append(FoldOperand(base: UnsafePointer(received.base)))
      }
    }
    var outgoing: [MessageBucket] = []
    for peer in plan.slices.indices where peer != rank {
      for (number, part) in cuts[peer].enumerated() {
        let bucket = MessageBucket(part, sends: true, on: communicator)
        for (place, subtree) in plan.subtrees[rank].enumerated() {
          let slice = WireSlice(
            part.values, of: own[place].base, owner: own[place],
            packed: packed(part.values, subtree))
          try bucket.add(slice, with: peer, tag: number * places + place)
        }
        outgoing.append(bucket)
      }
    }
    self.outgoing = outgoing
    packedGather = plan.wire == .float32 ? nil : PackedGather(plan)
    self.operands = operands
    self.own = own
    counts = plan.slices.map(\.count)
    displacements = plan.slices.map(\.lowerBound)
  }

  func ready(_ part: Range<Int>) {
    attempt {
      try open()
      for bucket in outgoing where bucket.values.overlaps(part) { try bucket.ready(part) }
    }
  }

  func progress() {
    attempt {
      try open()
      // One look moves all messages.
      for bucket in outgoing { if try bucket.progress() { return } }
      for bucket in incoming { if try bucket.progress() { return } }
    }
  }

  func abandon() {
    attempt {
      try page.waiting { try finish() }
    }
    reset()
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    defer { reset() }
    if let failure { throw failure }
    try startAll()
    do {
      for bucket in incoming {
        try page.waiting { try bucket.wait { page?.own.awaits($0) } }
        for index in bucket.blocks {
          bucket.unpack(plan.blocks[index].range)
          executor.combine(plan.blocks[index], of: operands, into: arena.base)
          try visit(index)
        }
        // What is sent goes on meanwhile.
        progress()
      }
    } catch {
      // The others have sent and expect to receive, whatever happened here.
      abandon()
      throw error
    }
    try page.waiting { try finish() }
    if let failure { throw failure }
  }

  func gather(_ contents: FoldedContents) throws {
    try page.waiting {
      if contents == .gradients, let packedGather {
        return try packedGather.run(folded, on: communicator)
      }
      try communicator.allgather(inPlace: folded, counts: counts, displacements: displacements)
    }
  }

  // MARK: Messages

  /// Gets ready to receive.
  private func open() throws {
    guard !isOpen else { return }
    isOpen = true
    for bucket in incoming { try bucket.start() }
  }

  private func startAll() throws {
    try open()
    for bucket in outgoing { try bucket.start() }
  }

  /// Starts what has not been started, and waits for all.
  private func finish() throws {
    try startAll()
    for bucket in incoming { try bucket.wait { page?.own.awaits($0) } }
    for bucket in outgoing { try bucket.wait { page?.own.awaits($0) } }
  }

  private func reset() {
    isOpen = false
    failure = nil
    for bucket in incoming { bucket.reset() }
    for bucket in outgoing { bucket.reset() }
  }

  /// Keeps what goes wrong for ``combine(_:)``.
  private func attempt(_ body: () throws -> Void) {
    guard failure == nil else { return }
    do { try body() } catch { failure = error }
  }
}
