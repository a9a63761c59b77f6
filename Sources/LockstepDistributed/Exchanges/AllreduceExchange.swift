import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

/// Gradients through MPI's own reduction: `reduction: "allreduce"`.
///
/// Each rank adds its partials up in order, and MPI adds the ranks' sums in an order that it does
/// not promise. All ranks of a run get the same sums, but another number of ranks, or another
/// algorithm of MPI's, gives other bits.
final class AllreduceExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>
  let visitsAllBlocks = true

  private let plan: FoldPlan
  private let communicator: MPICommunicator
  private let page: StatusPage?
  private let arenas: [Arena<Float>]
  private let sum: LocalSum

  init(_ plan: FoldPlan, on communicator: MPICommunicator, page: StatusPage?) {
    self.plan = plan
    self.communicator = communicator
    self.page = page
    // The first partial is the sum.
    arenas = plan.subtrees[communicator.rank].map { _ in Arena(count: plan.layout.count) }
    partials = arenas.map(\.buffer)
    folded = arenas[0].buffer
    sum = LocalSum()
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    for partial in partials.dropFirst() { sum.add(partial, to: folded) }
    try page.waiting { try communicator.allreduce(inPlace: folded, .sum) }
    for index in plan.blocks.indices { try visit(index) }
  }

  func gather(_ contents: FoldedContents) {}
}
