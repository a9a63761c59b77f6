import LockstepCollective
import LockstepObservation
import LockstepFold
internal import CLockstepKernels
import LockstepEngine
import LockstepOptimization

/// One training step over all ranks, the stages in the one right order.
///
///     compute → fold (→ add noise) → normalise → regularise (→ round) → measure → check → clip, update, constrain → commit
///
/// A step is a transaction: until the check has passed on all ranks nothing changes that a
/// checkpoint would hold. Where it does not pass, a ``NonFinitePolicy`` says whether the run ends or
/// the step alone; of a skipped step only counters tell. All ranks make the same calls with the same
/// batch.
public final class TrainingStep: BatchStep {
  /// Who computes and adds what.
  package let plan: FoldPlan
  /// The model.
  package let source: any GradientSource
  /// Clipping, optimizer and constraints.
  package let update: any Update

  private let collective: any Collective
  private let regularizer: (any GradientRegularizer)?
  /// Adds the ranks' gradients up.
  package let exchange: any GradientExchange
  /// Updates what this rank owns, and gives all ranks all parameters.
  private let application: UpdateApplication
  private let accumulator: ShardAccumulator
  private let scalars: ScalarFold
  private let blockSums: BlockSums
  private let health: StepHealth
  private let inspector: LeafInspector?
  /// The source, where it carries states from step to step.
  private let carrier: (any CarryingSource)?
  private let kernels: UnsafePointer<lockstep_arena_kernels>
  private let counter = Arena<Int64>(count: 1)
  private var metricMeans: [Double]
  private let metricFormulas: [MetricFormula]
  private let batchDivisors: BatchDivisors
  private let noise: PrivacyNoise?
  private let ascent: SharpnessAscent?
  /// Whether the exchange was gathered behind the last fold.
  private var hasGathered = false
  /// The number of steps before the first that moves each gradient's parameter; empty where all move.
  private let stepsBeforeMoving: [Int]
  /// How many examples of the batch at hand do not count.
  private var missing = 0

  /// Prepares a step of any source by any update.
  ///
  /// - Parameters:
  ///   - regularizer: a penalty that is part of the loss.
  ///   - noise: what is added to the folded sum, for privacy.
  ///   - sharpness: where the gradient is taken, if not at the parameters.
  package init(
    source: any GradientSource, update: any Update,
    regularizer: (any GradientRegularizer)? = nil, noise: PrivacyNoise? = nil,
    sharpness: SharpnessAware? = nil,
    nonFinite: NonFinitePolicy = .stop, shards: Int,
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
    try update.checkLogits(of: source)
    self.source = source
    let carrying = source as? any CarryingSource
    carrier = carrying?.carriesStates == true ? carrying : nil
    self.update = update
    self.regularizer = regularizer
    self.noise = noise
    stepsBeforeMoving = source.stepsBeforeMoving
    self.collective = collective
    inspector = LeafInspector(
      nonFinite.repair, limiting: source.shardNorms, metrics: source.metricColumns)
    // Who looks at single shards' gradients needs them as the source makes them.
    exchange = try collective.makeExchange(plan, for: inspector == nil ? source : nil)
    application = try UpdateApplication(update, of: source, plan, exchange, on: collective)
    accumulator = ShardAccumulator(plan, rank: collective.rank)
    accumulator.inspector = inspector
    accumulator.statistics = plan.layout.slots[plan.gradientSlotCount...].map(\.range)
    health = try StepHealth(nonFinite, plan: plan, source: source, on: collective)
    let scalarMetrics =
      source.metricColumns + (inspector == nil ? 0 : LeafInspector.Column.allCases.count)
    scalars = try ScalarFold(
      runs: plan.shardRuns, metrics: scalarMetrics, maxima: source.maximumColumns, on: collective)
    blockSums = BlockSums(plan, measuresAll: exchange.visitsAllBlocks, on: collective)
    batchDivisors = BatchDivisors(plan, source, gradient: noise?.divisor)
    let columns = ShardRecord.Column.metrics + scalarMetrics
    ascent = try sharpness.map { [plan, exchange] in
      try SharpnessAscent(
        $0, plan, measuresAll: exchange.visitsAllBlocks, width: columns, on: collective)
    }
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

  package var skippedInARow: Int { health.skippedInARow }

  package var accountant: PrivacyAccountant? { noise?.accountant }

  /// The step's own state: the numbers of steps completed, skipped and sanitized, and what the model carries
  /// from step to step.
  public var stateEntries: [StateEntry] {
    [StateEntry("step.completed", .integers(counter.buffer))] + health.stateEntries
      + (carrier?.carriedEntries ?? [])
  }

  /// Takes one step on a batch.
  ///
  /// - Parameter batch: the same on every rank; its `step` is ``completed``, its `shards` the step's.
  /// - Returns: what was done, or that nothing was because the step was skipped.
  /// - Throws: where the batch is not this step's, where a value is not finite and the policy says so, and
  ///   what the source throws; on all ranks. Nothing has changed then.
  public func run(_ batch: StepBatch) throws -> StepReport {
    try run(batch, requests: [], failure: nil, inspect: {})
  }

  /// As `run(_:)`, with what this rank has to tell the others.
  ///
  /// - Parameters:
  ///   - given: the same on every rank; its `step` is ``completed``, its `shards` the step's.
  ///   - requests: what this rank asks of all.
  ///   - failure: what already went wrong on this rank; it ends the step on all ranks.
  ///   - inspect: looks at the state that the step started from, once the gradient is there and
  ///     before anything changes. What it throws, on all ranks alike, ends the step.
  /// - Returns: what was done, or that nothing was because the step was skipped.
  /// - Throws: ``ArgumentError`` for a batch that is not this step's, `NonFiniteError`,
  ///   `SkipLimitError` or `StepError`, on all ranks alike, or the source's own error on the rank where
  ///   it arose and ``PeerFailure`` on the others. Nothing has changed then.
  package func run(
    _ given: StepBatch, requests: StepRequests = [], failure: (any Error)? = nil,
    inspect: () throws -> Void = {}
  ) throws -> StepReport {
    let work = try begin(given, requests, failure)
    let (gradient, sick) = try application.atTrainingPoint(source.parameters) {
      try ascent.map { try evaluate(work, uphill: $0) } ?? evaluate(work)
    }
    if let sick { return try skip(sick) }
    try inspect()
    return commit(try apply(gradient))  // clip, update, constrain
  }

  // MARK: The stages

  /// A batch at work on this rank.
  private struct Work {
    let batch: StepBatch
    let requests: StepRequests
    /// What went wrong on this rank before it computed.
    let failure: (any Error)?
  }

  /// The gradient divided by the weight of the batch, with the statistics behind it. With a sharded update
  /// this rank's slice alone is valid.
  private typealias Gradient = UnsafeBufferPointer<Float>

  /// The gradient of a batch, and what is not finite in it.
  private func evaluate(
    _ work: Work, gathers: Bool = false
  ) throws -> (gradient: Gradient, sick: NonFiniteError?) {
    let leaves = compute(work)
    let gradient = try fold(leaves, gathers: gathers)
    try measure(gradient)
    return (gradient, try judge(work))
  }

  /// The gradient at the place that an ascent leads to; all else is that of the parameters.
  private func evaluate(
    _ work: Work, uphill ascent: SharpnessAscent
  ) throws -> (gradient: Gradient, sick: NonFiniteError?) {
    ascent.begin()
    let first = try evaluate(work, gathers: true)
    if first.sick != nil { return first }
    ascent.keep(scalars.total, penalty: blockSums.penalty, exchange.folded)
    return try application.uphill(
      source.parameters, ascent, first.gradient, norm: blockSums.norm
    ) {
      try open(work.batch)
      return try evaluate(work)
    }
  }

  private func enter(_ phase: RankStatus.Phase) {
    collective.page?.enter(phase, step: completed + 1)
  }

  /// Makes ready for a batch. One that is not this step's gives way to one that is: what is wrong on one
  /// rank alone reaches the others where they meet.
  private func begin(
    _ given: StepBatch, _ requests: StepRequests, _ failure: (any Error)?
  ) throws -> Work {
    let problem = given.problem(
      for: plan, completed: completed, exampleCount: source.exampleCount)
    let batch = problem == nil ? given : given.substitute(for: plan, completed: completed)
    // Denormals would cost time, and bits where one thread flushes and another does not.
    guard lockstep_flush_denormals() != 0 else { throw StepError.noFlushToZero }
    missing = batch.examples.count - batch.present
    try open(batch)
    return Work(batch: batch, requests: requests, failure: failure ?? problem)
  }

  /// Makes the exchange ready for a batch's shards.
  private func open(_ batch: StepBatch) throws {
    enter(.computing)
    try exchange.begin(batch)
    accumulator.listener = exchange.listens ? exchange : nil
  }

  /// Computes this rank's shards: their leaves, added up to partials, go to the exchange, their numbers to
  /// `scalars`, which keeps what goes wrong for the ranks' meeting.
  private func compute(_ work: Work) -> Work {
    scalars.compute { records in
      if let failure = work.failure { try source.declineShards(because: failure) }
      inspector?.step = completed + 1
      inspector?.records = records
      try source.computeShards(
        of: work.batch, into: exchange.partials, records: records, accumulator: accumulator)
      try exchange.computed(work.batch)
      try Fault.reach(.step, rank: collective.rank, parameters: source.parameters)
    }
    return work
  }

  /// Adds all ranks' partials and divides them, and learns the batch's numbers and what ranks ask for.
  ///
  /// - Parameter gathers: whether all ranks get all of it in any case.
  private func fold(_ leaves: Work, gathers: Bool) throws -> Gradient {
    if exchange.listens, inspector == nil, let divisors = batchDivisors.divisors(of: leaves.batch) {
      // What travels is folded as it comes, and the numbers of all ranks would queue behind it; on one node
      // ranks multiply while others compute. A rank that has failed takes part with what it has, and nobody
      // takes what comes of that.
      try fold(dividingBy: divisors, gathers: gathers)
      try scalars.gather(requests: leaves.requests, of: leaves.batch)
    } else {
      do {
        try scalars.gather(requests: leaves.requests, of: leaves.batch)
        try checkWeight()
      } catch {
        // On all ranks alike, some of which may have sent already.
        exchange.abandon()
        throw error
      }
      try fold(
        dividingBy: StepDivisors(scalars.total, gradient: noise?.divisor), gathers: gathers)
    }
    return Gradient(exchange.folded)
  }

  /// Throws where the weight of the batch is nothing to divide by.
  private func checkWeight() throws {
    let total = scalars.total
    // A weight that is not a number goes on to the check, which says whose it is; so does none at all
    // where all shards were taken out, as a division by zero.
    // Batches that are drawn at random may have no example, and have a divisor of their own.
    guard !(total.weight <= 0) || sanitized?.dropped ?? 0 > 0 || noise != nil else {
      throw StepError.noWeight(step: completed + 1, weight: total.weight)
    }
  }

  /// Folds the owned blocks and, while each is in cache, adds noise where training is private, divides,
  /// regularises and measures it.
  private func fold(dividingBy divisors: StepDivisors, gathers: Bool) throws {
    enter(.folding)
    let folded = exchange.folded
    let parameters = UnsafeBufferPointer(source.parameters)
    // A sharded update needs its own slice alone, and gathers what it made of it.
    let gathers = gathers || !application.isSharded || onFolded != nil
    hasGathered = gathers
    exchange.returnsGradients = gathers
    try exchange.combine { index in
      try Fault.reach(.fold, rank: collective.rank)
      let block = plan.blocks[index]
      let values = folded.baseAddress! + block.offset
      if index < plan.gradientBlockCount, !moves(slot: block.slot) {
        values.update(repeating: 0, count: block.count)
        blockSums.set(index, squares: 0, penalty: 0)
      } else if index < plan.gradientBlockCount {
        noise?.add(step: completed, at: block.offset, to: values, count: block.count)
        kernels.pointee.divide(values, values, divisors.gradient, block.count)
        let penalty = regularizer?.add(block: index, to: folded, parameters: parameters) ?? 0
        plan.round(block: index, of: folded)
        let squares = update.measure(block: index, in: Gradient(folded))
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

  /// Whether a gradient's parameter moves in this step.
  private func moves(slot: Int) -> Bool {
    stepsBeforeMoving.isEmpty || completed >= stepsBeforeMoving[slot]
  }

  /// Learns what all ranks have measured, so that all have the same norm.
  private func measure(_ gradient: Gradient) throws {
    try collective.page.span(.measure) { try blockSums.gather() }
    if let onFolded {
      try onFolded(gradient)
      // A sharded update writes where others may still be looking.
      try collective.barrier()
    }
  }

  /// Finds what is not finite, with its origin; nil where the step may change something. Throws where the
  /// policy is to stop.
  private func judge(_ work: Work) throws -> NonFiniteError? {
    enter(.comparing)
    let sick = try health.judge(
      work.batch, step: completed + 1, blocks: blockSums.notFinite, total: scalars.total)
    if sick == nil {
      try Fault.reach(.update, rank: collective.rank, parameters: source.parameters)
    }
    return sick
  }

  /// Ends a step that must change nothing: its examples count as seen.
  private func skip(_ sick: NonFiniteError) throws -> StepReport {
    // What a sharded update would have done: an exchange is gathered once for each combination.
    if application.isSharded, !hasGathered { try exchange.gather() }
    try update.scaleLearningRate(by: scalars.requests.learningRateFactor)
    let norm = blockSums.norm
    return count(
      UpdateReport(
        step: completed, gradientNorm: norm, clippedGradientNorm: norm, clipped: false,
        learningRate: 0), skipped: sick)
  }

  /// Decides the step's scalars from the norm, and clips, updates and constrains the parameters.
  private func apply(_ gradient: Gradient) throws -> UpdateReport {
    enter(.updating)
    try update.scaleLearningRate(by: scalars.requests.learningRateFactor)
    update.tellLogits(of: source, in: ascent?.kept?.total ?? scalars.total)
    try update.prepare(step: completed, blockSums: blockSums.gradientSquares)
    return try application.run(gradient, source.parameters)
  }

  /// Takes over the statistics and the carried states, and counts the step.
  private func commit(_ updated: UpdateReport) -> StepReport {
    ascent?.putStatistics(into: exchange.folded)
    // A batch that is drawn at random may have no example, and has observed nothing then.
    if scalars.total.examples > 0 { source.commitStatistics(Gradient(exchange.folded)) }
    carrier?.commitStates { [inspector] in inspector?.isTakenOut($0) ?? false }
    return count(updated, skipped: nil)
  }

  private var sanitized: Sanitized? { inspector?.sanitized(scalars, shards: plan.shards) }

  /// Counts a step and says what it did.
  private func count(_ updated: UpdateReport, skipped: NonFiniteError?) -> StepReport {
    let sanitized = sanitized
    health.commit(skipped: skipped != nil, sanitized: sanitized != nil)
    counter.buffer[0] += 1
    let (total, penalty) = ascent?.kept ?? (scalars.total, blockSums.penalty)
    // Written in place where the last report is gone, so that a step allocates nothing.
    // A batch without an example, drawn or left over, has no means.
    let hasMeans = total.examples > 0
    for index in metricMeans.indices {
      metricMeans[index] = hasMeans ? metricFormulas[index](total) : .nan
    }
    return StepReport(
      step: completed, loss: hasMeans ? total.loss / total.weight + penalty : .nan,
      weight: total.weight,
      examples: Int(total.examples) - missing, metrics: metricMeans, update: updated,
      requests: scalars.requests, skipped: skipped, sanitized: sanitized)
  }
}
