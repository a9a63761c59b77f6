import LockstepEngine

/// The group of one rank: every collective is a copy at most, and the fold's one partial is the
/// folded arena itself.
public final class SoloCollective: Collective {
  /// Makes a group of one rank.
  public init() {}

  public var rank: Int { 0 }
  public var size: Int { 1 }
  public let page: StatusPage? = StatusPage(rank: 0, of: 1)

  public func barrier() {}

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    try requireRoot(root, "broadcast")
  }

  public func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws {
    try requireCounts(counts, mine: bytes.count, whole: result.count, "allgather")
    result.copyMemory(from: bytes)
  }

  public func makeExchange(_ plan: FoldPlan) throws -> any GradientExchange {
    try requirePlan(plan)
    return SoloExchange(plan)
  }
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
    self.plan = plan
    arena = Arena(count: plan.layout.count)
    partials = [arena.buffer]
    folded = arena.buffer
    operands = [FoldOperand(base: arena.base)]
    executor = FoldExecutor(plan)
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    for index in plan.blockSlices[0] {
      try executor.combine(plan.blocks[index], of: operands, into: arena.base)
      try visit(index)
    }
  }

  func gather(_ contents: FoldedContents) {}
}
