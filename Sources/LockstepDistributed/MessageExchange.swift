import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients as messages: each rank sends every owner its slice of every partial, owners add in
/// tree order, and the folded slices are gathered.
///
/// A message is the slice of one partial, read from the arena where it lies; its tag is the
/// partial's place among its rank's. Sends have finished when ``combine(_:)`` adds, so partials may
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
    let slice = plan.slices[rank]
    for (peer, subtrees) in plan.subtrees.enumerated() {
      for place in subtrees.indices {
        if peer == rank {
          operands.append(FoldOperand(base: UnsafePointer(own[place].base)))
        } else {
          let received = Arena<Float>(count: slice.count)
          operands.append(
            FoldOperand(base: UnsafePointer(received.base), origin: slice.lowerBound))
          if !slice.isEmpty {
            try messages.addReceive(
              into: received.buffer, from: peer, tag: place, owner: received)
          }
        }
      }
    }
    for (place, arena) in own.enumerated() {
      for (peer, slice) in plan.slices.enumerated() where peer != rank && !slice.isEmpty {
        try messages.addSend(
          UnsafeBufferPointer(rebasing: arena.buffer[slice]), to: peer, tag: place, owner: arena)
      }
    }
    self.operands = operands
    self.own = own
    counts = plan.slices.map(\.count)
    displacements = plan.slices.map(\.lowerBound)
  }

  /// Keeps the memory of ``partials``.
  private let own: [Arena<Float>]

  func combine(_ visit: (Int) throws -> Void) throws {
    try page.waiting {
      try messages.start()
      try messages.wait { page?.own.awaits($0) }
    }
    for index in plan.blockSlices[communicator.rank] {
      executor.combine(plan.blocks[index], of: operands, into: arena.base)
      try visit(index)
    }
  }

  func gather() throws {
    try page.waiting {
      try communicator.allgather(inPlace: folded, counts: counts, displacements: displacements)
    }
  }
}
