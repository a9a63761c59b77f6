import LockstepEngine

/// One rank's exchange: the fold's one partial is the folded arena itself.
final class SoloExchange: GradientExchange {
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
