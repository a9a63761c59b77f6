import LockstepCollective
import LockstepObservation
import LockstepFold
internal import CLockstepKernels
import LockstepEngine

/// One training step over all ranks, the stages in the one right order.
///
///     compute → fold → normalise → regularise (→ round) → measure → check → clip, update, constrain → commit
///
/// A step is a transaction: until the check has passed on all ranks nothing changes that a
/// checkpoint would hold. Where it does not pass, a ``NonFinitePolicy`` says whether the run ends or
/// the step alone; of a skipped step only counters tell. All ranks make the same calls with the same
/// batch.
public final class TrainingStep: BatchStep {
  /// Who computes and adds what.
  public let plan: FoldPlan
  /// The model.
  public let source: any GradientSource
  /// Clipping, optimizer and constraints.
  public let update: any ParameterUpdate

  private let collective: any Collective
  private let regularizer: (any GradientRegularizer)?
  private let exchange: any GradientExchange
  /// What updates owned blocks alone; nil where every rank updates all.
  private let sharded: ShardedApplication?
  /// What lets owners make gradients of all ranks' factors; nil where gradients are added up.
  private let factorFold: FactorFold?
  private let accumulator: ShardAccumulator
  private let scalars: ScalarFold
  private let blockSums: BlockSums
  private let health: StepHealth
  private let inspector: LeafInspector?
  private let kernels: UnsafePointer<lockstep_arena_kernels>
  private let counter = Arena<Int64>(count: 1)
  private var metricMeans: [Double]
  private let metricFormulas: [MetricFormula]
  /// What batches of a size are divided by, where that is known before they are computed.
  private var batchDivisors: [Int: Divisors] = [:]

  /// Prepares a step.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - update: clipping, optimizer and constraints.
  ///   - regularizer: a penalty that is part of the loss.
  ///   - nonFinite: what becomes of a step with something that is not finite.
  ///   - shards: the number of logical shards L, a power of two, at least the number of ranks.
  ///   - wire: how gradients travel.
  ///   - collective: the ranks.
  /// - Throws: ``FoldPlanError``, ``StepError`` and what the collective throws.
  public init(
    source: any GradientSource, update: any ParameterUpdate,
    regularizer: (any GradientRegularizer)? = nil, nonFinite: NonFinitePolicy = .stop, shards: Int,
    wire: WirePrecision = .float32,
    on collective: any Collective
  ) throws {
    plan = try FoldPlan(shards: shards, of: source, wire: wire, on: collective)
    let reach = plan.blocks[..<plan.gradientBlockCount].last?.range.upperBound ?? 0
    guard source.parameters.count >= reach else {
      throw StepError.parametersTooFew(count: source.parameters.count, needed: reach)
    }
    let trainable = Array(plan.layout.slots[..<plan.gradientSlotCount])
    guard update.layout.slots == trainable else {
      throw StepError.layoutsDiffer(
        update: update.layout.slots.map { "\($0.name) \($0.shape)" },
        source: trainable.map { "\($0.name) \($0.shape)" })
    }
    self.source = source
    self.update = update
    self.regularizer = regularizer
    self.collective = collective
    exchange = try collective.makeExchange(plan)
    if exchange.visitsAllBlocks, update is any ShardedParameterUpdate {
      throw StepError.shardedWithoutTree
    }
    sharded = try (update as? any ShardedParameterUpdate).map { [plan, exchange] in
      try ShardedApplication($0, of: source, plan, exchange, on: collective)
    }
    accumulator = ShardAccumulator(plan, rank: collective.rank)
    inspector = LeafInspector(nonFinite.repair, metrics: source.metricColumns)
    accumulator.inspector = inspector
    accumulator.statistics = plan.layout.slots[plan.gradientSlotCount...].map(\.range)
    health = try StepHealth(nonFinite, plan: plan, source: source, on: collective)
    scalars = try ScalarFold(
      runs: plan.shardRuns,
      metrics: source.metricColumns
        + (inspector == nil ? 0 : LeafInspector.Column.allCases.count),
      on: collective)
    blockSums = BlockSums(plan, measuresAll: exchange.visitsAllBlocks, on: collective)
    factorFold = FactorFold(
      source, exchange, plan, inspected: inspector != nil, on: collective)
    kernels = InstructionSet.current.arenaKernels
    metricMeans = Array(repeating: 0, count: source.metricNames.count)
    metricFormulas = source.metricFormulas
    try source.join(plan, on: collective)
  }

  /// Sees the folded gradient, whole and divided by the weight of the batch, before it is clipped,
  /// and the statistics behind it. For comparing runs: with it, a sharded update gathers twice. Set
  /// on all ranks or on none.
  package var onFolded: ((UnsafeBufferPointer<Float>) throws -> Void)?

  /// The number of steps completed, skipped ones among them: learning rates follow it, and the
  /// update counts its own for bias corrections.
  public var completed: Int { Int(counter.buffer[0]) }

  public var skippedInARow: Int { health.skippedInARow }

  /// Whether owners made gradients of the last batch of factors, instead of adding them up.
  package var usesFactors: Bool { factorFold?.isUsed ?? false }

  /// How many pieces of gradients that other ranks own this rank has made of factors so far.
  package var piecesTaken: Int { factorFold?.piecesTaken ?? 0 }

  /// The step's own state: the numbers of steps completed, skipped and sanitized.
  public var stateEntries: [StateEntry] {
    [StateEntry("step.completed", .integers(counter.buffer))] + health.stateEntries
  }

  /// Takes one step on a batch.
  ///
  /// - Parameters:
  ///   - given: the same on every rank; its `step` is ``completed``, its `shards` the step's.
  ///   - requests: what this rank asks of all.
  ///   - failure: what already went wrong on this rank; it ends the step on all ranks.
  ///   - inspect: looks at the state that the step started from, once the gradient is there and
  ///     before anything changes. What it throws, on all ranks alike, ends the step.
  /// - Returns: what was done, or that nothing was because the step was skipped.
  /// - Throws: ``ArgumentError`` for a batch that is not this step's, ``NonFiniteError``, ``SkipLimitError`` or ``StepError``, on all ranks alike, or the
  ///   source's own error on the rank where it arose and ``PeerFailure`` on the others. Nothing has
  ///   changed then.
  public func run(
    _ given: StepBatch, requests: StepRequests = [], failure: (any Error)? = nil,
    inspect: () throws -> Void = {}
  ) throws -> TrainingStepReport {
    // What is wrong on one rank alone reaches the others where they meet.
    let problem = given.problem(
      for: plan, completed: completed, exampleCount: source.exampleCount)
    let failure = failure ?? problem
    let batch = problem == nil ? given : given.substitute(for: plan, completed: completed)
    try flushDenormals()
    enter(.computing)
    try factorFold?.begin(batch)
    defer { factorFold?.end() }
    accumulator.listener = exchange.listens ? exchange : nil
    computeShards(batch, failure)
    if let divisors = knownDivisors(batch) {
      // What travels is folded as it comes, and the numbers of all ranks would queue behind it; on one node
      // ranks multiply while others compute. A rank that has failed takes part with what it has, and nobody
      // takes what comes of that.
      enter(.folding)
      try fold(divisors)
      try scalars.gather(requests: requests, of: batch)
    } else {
      let divisors: Divisors
      do {
        try scalars.gather(requests: requests, of: batch)
        divisors = try self.divisors()
      } catch {
        // On all ranks alike, some of which may have sent already.
        exchange.abandon()
        throw error
      }
      enter(.folding)
      try fold(divisors)
    }
    try measure()
    enter(.comparing)
    if let found = try health.judge(
      batch, step: completed + 1, blocks: blockSums.notFinite, total: scalars.total)
    {
      return try skip(found)
    }
    try Fault.reach(.update, rank: collective.rank, parameters: source.parameters)
    try inspect()
    enter(.updating)
    let updated = try clipUpdateConstrain()
    commit()
    return report(updated)
  }

  private func enter(_ phase: RankStatus.Phase) {
    collective.page?.enter(phase, step: completed + 1)
  }

  // MARK: The stages

  /// Denormals would cost time, and bits where one thread flushes and another does not.
  private func flushDenormals() throws {
    guard lockstep_flush_denormals() != 0 else { throw StepError.noFlushToZero }
  }

  /// Computes this rank's shards.
  private func computeShards(_ batch: StepBatch, _ failure: (any Error)?) {
    scalars.compute { records in
      if let failure { try source.declineShards(because: failure) }
      inspector?.step = completed + 1
      inspector?.records = records
      try source.computeShards(
        of: batch, into: exchange.partials, records: records, accumulator: accumulator)
      try factorFold?.loadInputs(batch)
      try Fault.reach(.step, rank: collective.rank, parameters: source.parameters)
    }
  }

  private struct Divisors {
    let gradient: Float
    let statistics: Float
  }

  /// What the folded sums are divided by: once, and by the weight of the whole batch.
  private func divisors() throws -> Divisors {
    let total = scalars.total
    // A weight that is not a number goes on to the check, which says whose it is; so does none at all
    // where all shards were taken out, as a division by zero.
    guard !(total.weight <= 0) || sanitized?.dropped ?? 0 > 0 else {
      throw StepError.noWeight(step: completed + 1, weight: total.weight)
    }
    return Divisors(gradient: Float(total.weight), statistics: Float(max(total.examples, 1)))
  }

  /// What the folded sums will be divided by, where that follows from the batch and the exchange does not
  /// wait for all ranks to have computed; the very numbers that ``divisors()`` would find.
  private func knownDivisors(_ batch: StepBatch) -> Divisors? {
    guard exchange.listens, inspector == nil, batch.microBatches == 1 else { return nil }
    if let known = batchDivisors[batch.examples.count] { return known }
    let tree = Arena<Double>(count: plan.shards)
    for shard in 0..<plan.shards {
      let count = batch.positions(ofShard: shard).count
      guard let weight = source.weight(ofExamples: count) else { return nil }
      tree.buffer[shard] = weight
    }
    ScalarFold.fold(tree.buffer, shards: plan.shards, width: 1)
    guard tree.buffer[0] > 0 else { return nil }
    let known = Divisors(
      gradient: Float(tree.buffer[0]), statistics: Float(max(batch.examples.count, 1)))
    batchDivisors[batch.examples.count] = known
    return known
  }

  /// Folds the owned blocks and, while each is in cache, divides, regularises and measures it.
  private func fold(_ divisors: Divisors) throws {
    let folded = exchange.folded
    let parameters = UnsafeBufferPointer(source.parameters)
    // A sharded update needs its own slice alone, and gathers what it made of it.
    let gathers = sharded == nil || onFolded != nil
    exchange.returnsGradients = gathers
    try exchange.combine { index in
      try Fault.reach(.fold, rank: collective.rank)
      let block = plan.blocks[index]
      let values = folded.baseAddress! + block.offset
      if index < plan.gradientBlockCount {
        kernels.pointee.divide(values, values, divisors.gradient, block.count)
        let penalty = regularizer?.add(block: index, to: folded, parameters: parameters) ?? 0
        plan.round(block: index, of: folded)
        let squares = update.measure(block: index, in: UnsafeBufferPointer(folded))
        blockSums.set(index, squares: squares, penalty: penalty)
      } else {
        kernels.pointee.divide(values, values, divisors.statistics, block.count)
        blockSums.set(
          index, squares: kernels.pointee.sum_of_squares(values, block.count), penalty: 0)
      }
    }
    if gathers {
      try collective.page.span(.gather) { try exchange.gather() }
    }
  }

  /// Learns what all ranks have measured.
  private func measure() throws {
    try collective.page.span(.measure) { try blockSums.gather() }
    if let onFolded {
      try onFolded(UnsafeBufferPointer(exchange.folded))
      // A sharded update writes where others may still be looking.
      try collective.barrier()
    }
  }

  private var sanitized: Sanitized? { inspector?.sanitized(scalars, shards: plan.shards) }

  /// Ends a step that must change nothing: its examples count as seen.
  private func skip(_ found: NonFiniteError) throws -> TrainingStepReport {
    // What a sharded update would have done: an exchange is gathered once for each combination.
    if sharded != nil, onFolded == nil { try exchange.gather() }
    try update.scaleLearningRate(by: scalars.requests.learningRateFactor)
    let sanitized = sanitized
    health.commit(skipped: true, sanitized: sanitized != nil)
    counter.buffer[0] += 1
    let norm = blockSums.norm
    var skipped = report(
      UpdateReport(gradientNorm: norm, clippedGradientNorm: norm, clipped: false, learningRate: 0))
    skipped.skipped = found
    return skipped
  }

  private func clipUpdateConstrain() throws -> UpdateReport {
    try update.scaleLearningRate(by: scalars.requests.learningRateFactor)
    try update.prepare(step: completed, blockSums: blockSums.gradientSquares)
    if let sharded { return try sharded.run(source.parameters) }
    return try update.apply(
      gradient: UnsafeBufferPointer(exchange.folded), parameters: source.parameters)
  }

  private func commit() {
    source.commitStatistics(UnsafeBufferPointer(exchange.folded))
    health.commit(skipped: false, sanitized: sanitized != nil)
    counter.buffer[0] += 1
  }

  private func report(_ updated: UpdateReport) -> TrainingStepReport {
    let total = scalars.total
    // Written in place where the last report is gone, so that a step allocates nothing.
    for index in metricMeans.indices {
      metricMeans[index] = metricFormulas[index](total)
    }
    return TrainingStepReport(
      step: completed, loss: total.loss / total.weight + blockSums.penalty, weight: total.weight,
      examples: Int(total.examples),
      metrics: metricMeans,
      update: updated, requests: scalars.requests, sanitized: sanitized)
  }
}

extension FoldPlan {
  /// The plan of a step over the ranks at hand.
  ///
  /// - Throws: ``FoldPlanError``.
  public init(
    shards: Int, of source: any GradientSource, wire: WirePrecision = .float32,
    on collective: any Collective
  ) throws {
    try self.init(
      shards: shards, ranks: collective.size, layout: source.layout,
      gradientSlotCount: source.gradientSlotCount, wire: wire)
  }
}
