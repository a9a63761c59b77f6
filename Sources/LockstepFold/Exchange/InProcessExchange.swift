import LockstepCollective
import LockstepEngine
import LockstepObservation

/// Reads the peers' partials in place and writes into one folded arena that all ranks share.
final class InProcessExchange: InPlaceExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>
  private let plan: FoldPlan
  private let rank: Int
  private let meeting: MeetingPoint
  private let page: StatusPage?
  private let executor: FoldExecutor
  /// All ranks' partials: a peer that fails early must not take its memory along.
  private let arenas: [Arena<Float>]
  private let shared: Arena<Float>
  private let operands: [FoldOperand]

  init(
    _ plan: FoldPlan, _ rank: Int, _ meeting: MeetingPoint, _ page: StatusPage?
  ) throws {
    self.plan = plan
    self.rank = rank
    self.meeting = meeting
    self.page = page
    executor = FoldExecutor(plan)
    let mine = plan.subtrees[rank].map { _ in Arena<Float>(count: plan.layout.count) }
    partials = mine.map(\.buffer)
    let all = try meeting.share(
      rank, "makeExchange", (mine, rank == 0 ? Arena<Float>(count: plan.layout.count) : nil))
    arenas = all.flatMap { $0.0 }
    operands = arenas.map { FoldOperand(base: UnsafePointer($0.base)) }
    shared = all[0].1!
    folded = shared.buffer
  }

  func meet() throws { _ = try page.waiting { try meeting.meet(rank, "combine") } }

  func add(_ blocks: Range<Int>, _ visit: (Int) throws -> Void) throws {
    for index in blocks {
      try executor.combine(plan.blocks[index], of: operands, into: shared.base)
      try visit(index)
    }
  }

  // A rank that throws ends the group.
  func alone(_ body: () throws -> Void) throws { try body() }

  func combine(_ visit: (Int) throws -> Void) throws {
    try meet()
    try add(plan.blockSlices[rank], visit)
  }

  func gather(_ contents: FoldedContents) throws {
    _ = try page.waiting { try meeting.meet(rank, "gather") }
  }
}
