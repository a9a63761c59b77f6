import LockstepCollective
import LockstepEngine

/// An exchange over any group: every rank gathers all ranks' partial sums, and folds the blocks that it
/// owns.
///
/// It moves P times what others do, and needs nothing of a group but ``Collective/allgather(_:counts:into:)``.
final class GatheringExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>
  private let plan: FoldPlan
  private let collective: any Collective
  private let executor: FoldExecutor
  /// This rank's partials, behind one another.
  private let own: Arena<Float>
  /// All ranks' partials, in shard order.
  private let all: Arena<Float>
  private let arena: Arena<Float>
  private let operands: [FoldOperand]
  /// The bytes of each rank's partials.
  private let counts: [Int]

  init(_ plan: FoldPlan, on collective: any Collective) {
    self.plan = plan
    self.collective = collective
    let length = plan.layout.count
    let own = Arena<Float>(count: plan.subtrees[collective.rank].count * length)
    let all = Arena<Float>(count: plan.subtrees.reduce(0) { $0 + $1.count } * length)
    func parts(_ arena: Arena<Float>) -> [UnsafeMutableBufferPointer<Float>] {
      stride(from: 0, to: arena.count, by: length).map {
        UnsafeMutableBufferPointer(rebasing: arena.buffer[$0..<$0 + length])
      }
    }
    partials = parts(own)
    operands = stride(from: 0, to: all.count, by: length).map {
      FoldOperand(base: UnsafePointer(all.base + $0))
    }
    counts = plan.subtrees.map { $0.count * length * MemoryLayout<Float>.size }
    arena = Arena(count: length)
    folded = arena.buffer
    executor = FoldExecutor(plan)
    self.own = own
    self.all = all
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    try collective.allgather(
      UnsafeRawBufferPointer(own.buffer), counts: counts,
      into: UnsafeMutableRawBufferPointer(all.buffer))
    for index in plan.blockSlices[collective.rank] {
      try executor.combine(plan.blocks[index], of: operands, into: arena.base)
      try visit(index)
    }
  }

  func gather(_ contents: FoldedContents) throws {
    // A rank's slice is copied first: what is sent and what is received may not overlap.
    let mine = Array(folded[plan.slices[collective.rank]])
    try mine.withUnsafeBytes { mine in
      try collective.allgather(
        mine, counts: plan.slices.map { $0.count * MemoryLayout<Float>.size },
        into: UnsafeMutableRawBufferPointer(folded))
    }
  }
}
