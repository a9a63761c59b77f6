import LockstepCollective
import LockstepFold
import LockstepEngine

/// Lets each rank update the blocks that it owns, and gives all ranks all parameters.
///
/// Where all ranks share memory they share the parameters: each owner writes its part in place, and
/// nothing is copied. Elsewhere updated parameters travel in the place of the gradient that they were
/// made from: an owner copies them to its slice of the folded arena, which is gathered once, with the
/// statistics behind them. So a step moves the bytes of a replicated one.
final class ShardedApplication {
  private let update: any ShardedParameterUpdate
  private let plan: FoldPlan
  private let collective: any Collective
  private let exchange: any GradientExchange
  private let owned: Range<Int>
  /// Whether updated parameters must be sent to ranks that do not see them.
  private let travels: Bool
  /// The gradients' blocks of each rank.
  private let blockCounts: [Int]
  /// The bytes of each rank in a table, set for every table.
  private var counts: [Int]
  /// Made once: a reference to a method is a new object each time.
  private lazy var gatherer: ShardedParameterUpdate.Gather = { [unowned self] in
    try gather($0, width: $1)
  }
  /// This rank's rows; a table cannot be sent from and received into at once.
  private var rows = Arena<Double>(count: 0)

  /// Moves the parameters of `source` to shared memory, where there is such.
  init(
    _ update: any ShardedParameterUpdate, of source: any GradientSource, _ plan: FoldPlan,
    _ exchange: any GradientExchange, on collective: any Collective
  ) throws {
    self.update = update
    self.plan = plan
    self.collective = collective
    self.exchange = exchange
    owned = plan.gradientBlocks(ofRank: collective.rank)
    guard update.owned == owned else {
      throw StepError.blocksDiffer(update: update.owned, plan: owned)
    }
    blockCounts = (0..<plan.ranks).map { plan.gradientBlocks(ofRank: $0).count }
    counts = blockCounts
    travels = try collective.size > 1 && !Self.share(source, update, collective)
  }

  /// What needs tensors whole changes them on every rank by itself, and so needs them to itself.
  private static func share(
    _ source: any GradientSource, _ update: any ShardedParameterUpdate,
    _ collective: any Collective
  ) throws -> Bool {
    guard source.shareableCount > 0, !update.constrainsGathered,
      let arena = try collective.makeSharedArena(
        count: source.shareableCount, otherwise: "every rank keeps all parameters")
    else { return false }
    try source.shareParameters(arena, copies: collective.isRoot)
    try collective.barrier()
    return true
  }

  /// Updates the owned blocks and gathers parameters and statistics.
  func run(_ parameters: UnsafeMutableBufferPointer<Float>) throws -> UpdateReport {
    let folded = exchange.folded
    let report = try update.apply(
      gradient: UnsafeBufferPointer(folded), parameters: parameters, gather: gatherer)
    guard travels else {
      // The statistics alone; and nobody reads parameters before all are there.
      try collective.page.span(.gather) { try exchange.gather() }
      try update.constrainGathered(parameters: parameters)
      return report
    }
    if let values = parameters.baseAddress, let travelling = folded.baseAddress {
      for index in owned {
        let block = plan.blocks[index]
        (travelling + block.offset).update(from: values + block.offset, count: block.count)
      }
    }
    try collective.page.span(.gather) { try exchange.gather(.parameters) }
    if let values = parameters.baseAddress, let travelling = folded.baseAddress {
      for index in 0..<plan.gradientBlockCount where !owned.contains(index) {
        let block = plan.blocks[index]
        (values + block.offset).update(from: travelling + block.offset, count: block.count)
      }
    }
    try update.constrainGathered(parameters: parameters)
    return report
  }

  private func gather(_ table: UnsafeMutableBufferPointer<Double>, width: Int) throws {
    let mine = owned.lowerBound * width..<owned.upperBound * width
    if rows.count < mine.count { rows = Arena(count: mine.count) }
    let sent = UnsafeMutableBufferPointer(rebasing: rows.buffer[..<mine.count])
    if !mine.isEmpty {
      sent.baseAddress!.update(from: table.baseAddress! + mine.lowerBound, count: mine.count)
    }
    for rank in counts.indices {
      counts[rank] = blockCounts[rank] * width * MemoryLayout<Double>.stride
    }
    try collective.allgather(
      UnsafeRawBufferPointer(sent), counts: counts, into: UnsafeMutableRawBufferPointer(table))
  }
}
