import LockstepEngine

/// The group of one rank: every collective is a copy at most, and the fold's one partial is the
/// folded arena itself.
public final class SoloCollective: Collective {
  public init() {}

  public var rank: Int { 0 }
  public var size: Int { 1 }
  public let page: StatusPage? = StatusPage(rank: 0, of: 1)

  public func barrier() {}

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {
    precondition(root == 0, "root \(root) in a group of one")
  }

  public func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) {
    precondition(counts == [bytes.count] && result.count == bytes.count, "counts do not agree")
    result.copyMemory(from: bytes)
  }

  public func makeExchange(_ plan: FoldPlan) -> any GradientExchange { SoloExchange(plan) }
}

/// One rank's exchange: the tree's root is already there.
private final class SoloExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>
  private let arena: Arena<Float>
  private let executor: FoldExecutor
  private let plan: FoldPlan
  private let operands: [FoldOperand]

  init(_ plan: FoldPlan) {
    precondition(plan.ranks == 1, "a plan for \(plan.ranks) ranks in a group of one")
    self.plan = plan
    arena = Arena(count: plan.layout.count)
    partials = [arena.buffer]
    folded = arena.buffer
    operands = [FoldOperand(base: arena.base)]
    executor = FoldExecutor(plan)
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    for index in plan.blockSlices[0] {
      executor.combine(plan.blocks[index], of: operands, into: arena.base)
      try visit(index)
    }
  }

  func gather(_ contents: FoldedContents) {}
}
