import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepOptimization

/// Lets each rank update the blocks that it owns, and gives all ranks all parameters.
///
/// Where every rank owns all blocks there is nothing to give. Where each owns those of its slice and all
/// ranks share memory, they share the parameters: each owner writes its part in place, and nothing is
/// copied. Elsewhere updated parameters travel in the place of the gradient that they were made from: an
/// owner copies them to its slice of the folded arena, which is gathered once, with the statistics behind
/// them. So a step moves the bytes of a replicated one.
final class UpdateApplication {
  /// Whether each rank updates its own slice alone.
  let isSharded: Bool

  private let update: any Update
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
  private lazy var gatherer: Update.Gather = { [unowned self] in try gather($0, width: $1) }
  /// The parameters between steps, while others are in their place.
  private var resting: Arena<Float>?
  /// Those that an ascent began from.
  private var lowland: Arena<Float>?
  /// This rank's rows; a table cannot be sent from and received into at once.
  private var rows = Arena<Double>(count: 0)

  /// Moves the parameters of `source` to shared memory, where each rank updates a part and there is such.
  /// Called by all ranks.
  ///
  /// - Throws: ``StepError/blocksDiffer(update:plan:)`` where a rank owns neither all blocks nor those of
  ///   its slice, ``StepError/shardedWithoutTree`` where parts are owned and all blocks are visited.
  init(
    _ update: any Update, of source: any GradientSource, _ plan: FoldPlan,
    _ exchange: any GradientExchange, on collective: any Collective
  ) throws {
    self.update = update
    self.plan = plan
    self.collective = collective
    self.exchange = exchange
    owned = plan.gradientBlocks(ofRank: collective.rank)
    isSharded = try update.isSharded(plan, on: collective)
    if exchange.visitsAllBlocks, isSharded { throw StepError.shardedWithoutTree }
    blockCounts = (0..<plan.ranks).map { plan.gradientBlocks(ofRank: $0).count }
    counts = blockCounts
    let operations = update.matrixOperations
    if collective.size > 1, operations.contains(where: { $0 != nil }) {
      update.matrixExchange = try MatrixSharing(
        operations, update.layout,
        blocks: isSharded ? (0..<plan.ranks).map { plan.gradientBlocks(ofRank: $0) } : nil,
        on: collective)
    }
    travels = try isSharded && !Self.share(source, update, collective)
  }

  /// What needs tensors whole changes them on every rank by itself, and so needs them to itself.
  private static func share(
    _ source: any GradientSource, _ update: any Update, _ collective: any Collective
  ) throws -> Bool {
    guard source.shareableCount > 0, !update.constrainsGathered,
      let arena = try collective.makeSharedArena(
        count: source.shareableCount, otherwise: "every rank keeps all parameters")
    else { return false }
    try source.shareParameters(arena, copies: collective.isRoot)
    try collective.barrier()
    return true
  }

  /// Runs `body` while the parameters are those that the gradient is wanted at, and puts them back. Called by
  /// all ranks.
  func atTrainingPoint<Result>(
    _ parameters: UnsafeMutableBufferPointer<Float>, _ body: () throws -> Result
  ) throws -> Result {
    guard update.hasTrainingPoint else { return try body() }
    if resting == nil { resting = Arena(count: update.layout.count) }
    return try elsewhere(parameters, keeping: resting) { base, _ in
      update.moveToTrainingPoint(
        parameters: UnsafeMutableBufferPointer(start: base, count: update.layout.count))
    } body: {
      try body()
    }
  }

  /// Runs `body` while the parameters are where the gradient leads by an ascent, and puts them back. Called by
  /// all ranks, when all have computed.
  func uphill<Result>(
    _ parameters: UnsafeMutableBufferPointer<Float>, _ ascent: SharpnessAscent,
    _ gradient: UnsafeBufferPointer<Float>, norm: Double, _ body: () throws -> Result
  ) throws -> Result {
    guard let base = parameters.baseAddress else { return try body() }
    let scale = try ascent.scale(gradient, base, norm: norm)
    if lowland == nil { lowland = Arena(count: update.layout.count) }
    return try elsewhere(parameters, keeping: lowland) { base, range in
      ascent.move(base, gradient, range, scale: scale)
    } body: {
      try body()
    }
  }

  /// Runs `body` while the parameters are moved, each by who owns it, and puts them back.
  private func elsewhere<Result>(
    _ parameters: UnsafeMutableBufferPointer<Float>, keeping arena: Arena<Float>?,
    move: (UnsafeMutablePointer<Float>, Range<Int>) -> Void, body: () throws -> Result
  ) throws -> Result {
    guard let base = parameters.baseAddress, let arena else { return try body() }
    let all = 0..<update.layout.count
    // Where ranks share the parameters each keeps those that it owns.
    let kept = isSharded && !travels ? ownedValues : all
    (arena.base + kept.lowerBound).update(from: base + kept.lowerBound, count: kept.count)
    func putBack() {
      (base + kept.lowerBound).update(from: arena.base + kept.lowerBound, count: kept.count)
    }
    move(base, isSharded ? ownedValues : all)
    if isSharded { try showParameters(base) }
    let result: Result
    do { result = try body() } catch {
      putBack()
      throw error
    }
    if isSharded, !travels { try collective.barrier() }
    putBack()
    if isSharded, !travels { try collective.barrier() }
    return result
  }

  /// Lets all ranks see the parameters that each has written.
  private func showParameters(_ base: UnsafeMutablePointer<Float>) throws {
    guard travels else { return try collective.barrier() }
    let slices = plan.slices.map { $0.clamped(to: 0..<update.layout.count) }
    let mine = Array(
      UnsafeBufferPointer(start: base + ownedValues.lowerBound, count: ownedValues.count))
    try mine.withUnsafeBytes {
      try collective.allgather(
        $0, counts: slices.map { $0.count * MemoryLayout<Float>.stride },
        into: UnsafeMutableRawBufferPointer(
          UnsafeMutableBufferPointer(start: base, count: update.layout.count)))
    }
  }

  /// The values of this rank's slice that are parameters.
  private var ownedValues: Range<Int> {
    plan.slices[collective.rank].clamped(to: 0..<update.layout.count)
  }

  /// Updates the owned blocks. Where ranks own parts, gathers parameters and statistics.
  func run(
    _ gradient: UnsafeBufferPointer<Float>, _ parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> UpdateReport {
    let report = try update.apply(
      gradient: gradient, parameters: parameters, gather: isSharded ? gatherer : nil)
    guard isSharded else { return report }
    if travels {
      try exchangeParameters(parameters, through: exchange.folded)
    } else {
      // The statistics alone; and nobody reads parameters before all are there.
      try collective.page.span(.gather) { try exchange.gather() }
    }
    try update.constrainGathered(parameters: parameters)
    return report
  }

  /// Sends what this rank has updated and takes what the others have.
  private func exchangeParameters(
    _ parameters: UnsafeMutableBufferPointer<Float>,
    through folded: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard let values = parameters.baseAddress, let travelling = folded.baseAddress else {
      return try collective.page.span(.gather) { try exchange.gather(.parameters) }
    }
    for index in owned {
      let block = plan.blocks[index]
      (travelling + block.offset).update(from: values + block.offset, count: block.count)
    }
    try collective.page.span(.gather) { try exchange.gather(.parameters) }
    for index in 0..<plan.gradientBlockCount where !owned.contains(index) {
      let block = plan.blocks[index]
      (values + block.offset).update(from: travelling + block.offset, count: block.count)
    }
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

extension Update {
  /// Whether each rank owns the blocks of its slice, and not every rank all. Called by all ranks.
  ///
  /// - Throws: ``StepError/blocksDiffer(update:plan:)``, on all ranks, where a rank owns neither.
  func isSharded(_ plan: FoldPlan, on collective: any Collective) throws -> Bool {
    let slice = plan.gradientBlocks(ofRank: collective.rank)
    let ownsAll = owned == 0..<plan.gradientBlockCount
    // A rank's slice may be all there is.
    let all = try collective.allgather((ownsAll ? 1 : 0) | (owned == slice ? 2 : 0))
    if all.allSatisfy({ $0 & 1 != 0 }) { return false }
    guard all.allSatisfy({ $0 & 2 != 0 }) else {
      throw StepError.blocksDiffer(update: owned, plan: slice)
    }
    return true
  }
}
