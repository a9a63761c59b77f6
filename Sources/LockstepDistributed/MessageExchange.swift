import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients as messages: each rank sends every owner its slice of every partial, owners add in
/// tree order, and the folded slices are gathered.
///
/// A message is the slice of one partial, read from the arena where it lies or packed; its tag is
/// the partial's place among its rank's. Sends have finished when ``combine(_:)`` adds, so partials may
/// be rewritten at once; messages between two ranks with one tag arrive in order, so a fast rank's
/// next step waits for its turn.
final class MessageExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>

  private let plan: FoldPlan
  private let communicator: MPICommunicator
  private let page: StatusPage?
  private let arena: Arena<Float>
  private let executor: FoldExecutor
  private let messages: MPIPersistentMessages
  private let operands: [FoldOperand]
  private let incoming: [WireSlice]
  private let outgoing: [WireSlice]
  private let packedGather: PackedGather?
  private let counts: [Int]
  private let displacements: [Int]

  init(_ plan: FoldPlan, on parent: MPICommunicator, page: StatusPage?) throws {
    self.plan = plan
    self.page = page
    // Its own communicator, so that nobody else's messages match.
    communicator = try parent.duplicate()
    let rank = communicator.rank
    executor = FoldExecutor(plan)
    arena = Arena(count: plan.layout.count)
    folded = arena.buffer
    let own = plan.subtrees[rank].map { _ in Arena<Float>(count: plan.layout.count) }
    partials = own.map(\.buffer)

    messages = MPIPersistentMessages(on: communicator)
    var operands: [FoldOperand] = []
    var incoming: [WireSlice] = []
    var outgoing: [WireSlice] = []
    let slice = plan.slices[rank]
    func packed(_ slice: Range<Int>, _ subtree: FoldPlan.Subtree) -> PackedSlice? {
      plan.isRounded(subtree) ? PackedSlice(slice, of: plan) : nil
    }
    for (peer, subtrees) in plan.subtrees.enumerated() {
      for (place, subtree) in subtrees.enumerated() {
        if peer == rank {
          operands.append(FoldOperand(base: UnsafePointer(own[place].base)))
        } else {
          let received = Arena<Float>(indices: slice)
          let message = WireSlice(
            slice, of: received.base, owner: received, packed: packed(slice, subtree))
          try message.addReceive(from: peer, tag: place, messages)
          operands.append(FoldOperand(base: UnsafePointer(received.base)))
          incoming.append(message)
        }
      }
    }
    for (place, subtree) in plan.subtrees[rank].enumerated() {
      for (peer, slice) in plan.slices.enumerated() where peer != rank {
        let message = WireSlice(
          slice, of: own[place].base, owner: own[place], packed: packed(slice, subtree))
        try message.addSend(to: peer, tag: place, messages)
        outgoing.append(message)
      }
    }
    self.incoming = incoming
    self.outgoing = outgoing
    packedGather = plan.wire == .float32 ? nil : PackedGather(plan)
    self.operands = operands
    self.own = own
    counts = plan.slices.map(\.count)
    displacements = plan.slices.map(\.lowerBound)
  }

  /// Keeps the memory of ``partials``.
  private let own: [Arena<Float>]

  func combine(_ visit: (Int) throws -> Void) throws {
    for message in outgoing { message.pack() }
    try page.waiting {
      try messages.start()
      try messages.wait { page?.own.awaits($0) }
    }
    for index in plan.blockSlices[communicator.rank] {
      for message in incoming { message.unpack(plan.blocks[index].range) }
      executor.combine(plan.blocks[index], of: operands, into: arena.base)
      try visit(index)
    }
  }

  func gather(_ contents: FoldedContents) throws {
    try page.waiting {
      if contents == .gradients, let packedGather {
        return try packedGather.run(folded, on: communicator)
      }
      try communicator.allgather(inPlace: folded, counts: counts, displacements: displacements)
    }
  }
}
