import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
internal import CLockstepKernels
import LockstepDatasets
import LockstepEngine

/// Computes the gradients of a traced model on a data set, through the engine's plans.
///
/// A plan is made for each number of examples that a shard can have. Where all shards of a rank
/// have one size, they are added up in the packed layout that the primitives write, and the sum is
/// brought to the canonical layout once; otherwise each leaf is. The additions are elementwise, so
/// both ways give the same bits. Shards of one size whose operations allow it are computed several at
/// once, which again gives the same bits.
public final class ModelSource: GradientSource {
  /// The parameters and statistics.
  package let memory: ModelMemory
  package let layout: FlatLayout
  package let gradientSlotCount: Int
  package var metricNames: [String] { numbers.metricNames }
  package var metricFormulas: [MetricFormula] { numbers.metricFormulas }

  /// What a loss that distils learns from: its logits for the examples of the data set.
  public var teacher: TeacherLogits?

  /// Where the time of the rank's threads is recorded; nil for nowhere. A step throws where it has
  /// another number of threads than the source.
  package var timeline: Timeline? {
    didSet {
      crew.track = timeline?.main
      for (index, lane) in lanes.enumerated() {
        lane.track = timeline.flatMap { $0.threads.count == lanes.count ? $0.threads[index] : nil }
      }
      ahead = nil
    }
  }

  /// Random changes to the inputs, for training alone. A step throws where they were made for inputs of
  /// another shape.
  public var augmentation: Augmentation? {
    didSet {
      loader.augmentation = augmentation
      ahead = nil
    }
  }

  /// Whether inputs are made ready on a thread of their own, a step ahead. It changes no bit; see
  /// `prepareInputs(_:ranksOnNode:)`.
  package var preparesAhead = false { didSet { ahead = nil } }

  let trace: ObjectiveTrace
  let dataset: any ExampleSource
  private(set) var loader: ExampleLoader
  var ahead: InputAhead?
  var upcoming: StepBatch?
  let seed: UInt64
  let isa: InstructionSet
  let options: PlanOptions
  /// The numbers that a batch leaves beside its gradient.
  let numbers: ObjectiveNumbers
  /// The momenta of the statistics that the leaf holds, in its order, and their slots.
  private let observed: [(momentum: Float, slot: FlatLayout.Slot)]
  let crew: Crew
  let lanes: [LaneSet]
  let curvature = CurvatureMemory()
  /// Where shards must see each other.
  let synchronizations: [SynchronizationPoint]
  /// Takes what gradients are products of that shards leave out; nil where they make all.
  var deferred: (any DeferredProducts)?
  /// The shards of the step that joined the source.
  var joint: JointShards?
  private lazy var work = StepWork(self)
  private var plans: [Size: Plan] = [:]
  private var folds: [Int: ThreadedFold] = [:]
  private var announcer: LeafAnnouncer?
  /// Counts the times that parameters were packed, and for each size the last one it took part in.
  private var packing = 0
  private var packed: [Int: Int] = [:]

  /// Traces the model and lays out its memory.
  ///
  /// - Parameters:
  ///   - dataset: the examples that batches name by number.
  ///   - seed: the key of dropout masks.
  ///   - trace: the model, its loss and its metrics.
  ///   - isa: the instruction set of our own kernels.
  ///   - options: the algorithms of the engine's plans.
  ///   - threads: how many threads of this rank compute shards. Their number changes no bit.
  ///   - admit: looks at what the model's memory will take before there is any, and at what training it
  ///     will take beside it at the least, and throws where that is too much.
  /// - Throws: ``ArgumentError`` for less than one thread, ``GraphError`` where the model does not fit
  ///   the data or asks for an input that nothing fills, ``PrecisionError`` where the processor does
  ///   not compute in the precision asked for.
  package init(
    dataset: any ExampleSource, seed: UInt64, isa: InstructionSet = .current,
    options: PlanOptions = PlanOptions(), threads: Int = 1,
    admit: (MemoryNeed, MemoryNeed) throws -> Void = { _, _ in }, trace: @escaping ObjectiveTrace
  ) throws {
    try ArgumentError.require(threads, atLeast: 1, "threads", of: "ModelSource")
    try options.precision.check()
    // The shapes of parameters do not depend on the number of examples; two are the fewest that
    // batch normalisation accepts.
    try dataset.checkFields()
    let objective = try trace(2, true)
    try ObjectiveInputs(objective, count: 2).check(fillableBy: dataset)
    let program = try Program(differentiating: objective.loss, scalars: objective.scalars)
    self.trace = trace
    self.dataset = dataset
    loader = ExampleLoader(dataset: dataset, seed: seed)
    self.seed = seed
    self.isa = isa
    self.options = options
    crew = Crew(size: threads)
    synchronizations = program.synchronizations
    let isJoint = !synchronizations.isEmpty
    lanes = (0..<threads).map { _ in LaneSet(sharesActivations: isJoint) }
    try admit(MemoryNeed(model: program), MemoryNeed(training: program, threads: threads))
    memory = ModelMemory(program)
    layout = program.leafLayout
    gradientSlotCount = program.gradientCount
    numbers = ObjectiveNumbers(objective)
    let names = program.leafLayout.slots[program.gradientCount...].map(\.name)
    observed = names.map { name in
      let index = program.statisticLayout.index(of: name)!  // the leaf's statistics are a subset
      return (program.graph.statistics[index].momentum, program.statisticLayout.slots[index])
    }
  }

  package var parameters: UnsafeMutableBufferPointer<Float> { memory.trainable }
  /// The numbers that the model is computed in.
  package var precision: Precision { options.precision }
  package var shareableCount: Int { memory.parameters.count }

  package var exampleCount: Int? { dataset.count }
  package var declaredNames: [String] { memory.declaredNames }

  package func shareParameters(_ arena: SharedArena, copies: Bool) {
    memory.share(arena, copies: copies)
    // Plans know their parameters by address.
    plans = [:]
    packed = [:]
    announcer = nil
    for lane in lanes { lane.removeAll() }
  }

  package var stateEntries: [StateEntry] { memory.stateEntries }
  package var isJoint: Bool { !synchronizations.isEmpty }

  /// The shape of an example's output, `[classes]` for logits.
  package func outputShape() throws -> [Int] {
    Array(try trace(2, false).output.type.shape.dropFirst())
  }

  // MARK: Shards

  package func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    let shards = records.shards
    try checkSettings()
    if preparesAhead, loader.field != nil { beginInputs(batch, shards) }
    if isJoint {
      return try computeJointly(batch, into: partials, records: records, accumulator: accumulator)
    }
    // Leaves of one size are added up as the primitives write them, others in canonical layout.
    let uniform = try packParameters(for: shards, of: batch)
    let packing = uniform.flatMap { $0.leavesAreCanonical ? nil : $0 }
    if crew.size == 1 {
      return try computeAlone(
        batch, into: partials, records: records, accumulator, uniform: uniform, packing)
    }
    let fold = threadedFold(shards, accumulator, packing)
    let widest = fold.shares.lazy.map(\.accumulator.widestGroup).min() ?? 1
    try work.run(
      batch, records, fold, by: try uniform.map { try atOnce($0, widest: widest) },
      into: packing == nil ? partials : fold.partials)
    if let packing { try unpack(fold, packing, by: lanes[0], into: partials) }
  }

  /// Throws where what was set since the source was made does not fit it.
  private func checkSettings() throws {
    if let timeline, timeline.threads.count != lanes.count {
      throw ArgumentError(
        "ModelSource", "timeline.threads", is: timeline.threads.count,
        expected: "\(lanes.count), the source's threads")
    }
    try augmentation?.check(loader.field, of: dataset)
  }

  /// Computes all shards on this thread. Where the exchange listens, it hears of the sums' parts while
  /// the last shard is computed.
  private func computeAlone(
    _ batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, _ accumulator: ShardAccumulator, uniform: Plan?, _ packing: Plan?
  ) throws {
    let fold = packing.map { threadedFold(records.shards, accumulator, $0) }
    let adder = fold?.shares[0].accumulator ?? accumulator
    let plan = try uniform.map {
      try atOnce($0, widest: adder.widestGroup, deferring: deferred)
    }
    precondition(
      deferred == nil || plan?.omittedSlots.isEmpty == false, "a batch that leaves nothing out")
    var announcer: LeafAnnouncer?
    if let plan, let exchange = accumulator.listener, accumulator.inspector == nil {
      announcer = try self.announcer(plan, exchange, adder, fold, into: partials)
    }
    try adder.accumulate(
      into: fold?.partials ?? partials, adding: plan?.partsToAdd, of: plan?.leafParts,
      width: plan?.shards ?? 1,
      piecewise: announcer != nil
    ) { shards, leaf, sum in
      let isLast = shards.upperBound == records.shards.upperBound
      try compute(
        shards, of: batch, into: leaf, addingTo: sum, by: plan, records, lanes[0],
        announcing: isLast ? announcer : nil)
    }
    if announcer == nil, let fold, let packing {
      try unpack(fold, packing, by: lanes[0], into: partials)
    }
  }

  /// What announces the parts of a rank's sums.
  private func announcer(
    _ plan: Plan, _ exchange: any GradientExchange, _ adder: ShardAccumulator,
    _ fold: ThreadedFold?, into partials: [UnsafeMutableBufferPointer<Float>]
  ) throws -> LeafAnnouncer {
    if let announcer, announcer.serves(plan, exchange, adder) { return announcer }
    let executor = try lanes[0].executor(plan)
    let unpackers = try zip(fold?.partials ?? [], partials).map { sum, partial in
      try executor.unpacker(sum, into: partial)
    }
    let made = LeafAnnouncer(plan, exchange, adder, unpackers.compactMap { $0 })
    announcer = made
    return made
  }

  /// Brings a rank's sums to the canonical layout.
  func unpack(
    _ fold: ThreadedFold, _ packing: Plan, by lanes: LaneSet,
    into partials: [UnsafeMutableBufferPointer<Float>]
  ) throws {
    let unpacker = try lanes.executor(packing)
    for (sum, partial) in zip(fold.partials, partials) { try unpacker.unpack(sum, into: partial) }
  }

  package func computeShard(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    record: ShardRecord
  ) throws {
    if isJoint { return try copyJoint(shard, of: batch, into: leaf, record) }
    for microBatch in 0..<batch.microBatches {
      let count = batch.positions(ofShard: shard, microBatch: microBatch).count
      if count > 0 { try plan(count).packParameters() }
    }
    try compute(shard, of: batch, into: leaf, record, lanes[0])
  }

  /// The numbers of examples of a rank's shards.
  private struct Sizes {
    var first = 0
    var isOne = true

    mutating func insert(_ size: Int) {
      if first == 0 { first = size }
      if size != first || size == 0 { isOne = false }
    }
  }

  /// Packs the parameters for all plans that the shards need, once each. Returns the plan of all of them
  /// where they have one size and are computed whole.
  func packParameters(for shards: Range<Int>, of batch: StepBatch) throws -> Plan? {
    var sizes = Sizes()
    packing += 1
    for shard in shards {
      for microBatch in 0..<batch.microBatches {
        let size = batch.positions(ofShard: shard, microBatch: microBatch).count
        sizes.insert(size)
        guard size > 0, packed[size] != packing else { continue }
        try plan(size).packParameters()
        packed[size] = packing
      }
    }
    guard sizes.isOne, sizes.first > 0, batch.microBatches == 1 else { return nil }
    return try plan(sizes.first)
  }

  /// Computes the leaf of a shard, or of several that their plan computes at once: in that plan's own
  /// layout, which takes single micro-batches that are not empty, or in the canonical one.
  func compute(
    _ shards: Range<Int>, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    addingTo sum: UnsafeMutableBufferPointer<Float>?, by plan: Plan?, _ records: ShardRecords,
    _ lane: LaneSet, announcing announcer: LeafAnnouncer? = nil
  ) throws {
    guard let plan else {
      return try compute(
        shards.lowerBound, of: batch, into: leaf, records[known: shards.lowerBound], lane)
    }
    lane.track?.begin(.shard, shards.lowerBound)
    defer { lane.track?.end() }
    let executor = try lane.executor(plan)
    try load(shards, of: batch, into: executor, lane)
    announcer?.begin()
    try executor.lane.run(
      context(batch, batch.positions(ofShards: shards)), leaf: leaf.baseAddress,
      addingTo: sum?.baseAddress, on: lane.track, announcing: announcer)
    try announcer?.end()
    for shard in shards { note(executor, shard - shards.lowerBound, records[known: shard]) }
  }

  /// Computes a shard's leaf in the canonical layout, micro-batch by micro-batch.
  private func compute(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    _ record: ShardRecord, _ lane: LaneSet
  ) throws {
    lane.track?.begin(.shard, shard)
    defer { lane.track?.end() }
    var isFirst = true
    for microBatch in 0..<batch.microBatches {
      let positions = batch.positions(ofShard: shard, microBatch: microBatch)
      guard !positions.isEmpty else { continue }
      let executor = try lane.executor(plan(positions.count))
      let target = isFirst ? leaf : lane.scratchLeaf(count: layout.count)
      try executor.withCanonicalLeaf(target) {
        try load(shard, positions, of: batch, into: executor, lane)
        try executor.lane.run(
          context(batch, positions), leaf: $0.baseAddress, addingTo: nil, on: lane.track)
        note(executor, 0, record)
      }
      if !isFirst { isa.add(leaf, target) }
      isFirst = false
    }
    if isFirst { leaf.update(repeating: 0) }
  }

  private func context(_ batch: StepBatch, _ positions: Range<Int>) -> RunContext {
    RunContext(seed: seed, step: UInt64(batch.step), firstExample: positions.lowerBound)
  }

  /// Adds the numbers of a run to the record of one of its shards.
  func note(_ executor: ShardExecutor, _ place: Int, _ record: ShardRecord) {
    let plan = executor.lane.plan
    let examples = Double(plan.program.graph.batchCount / plan.shards)
    numbers.add(executor.lane, shard: place, examples: examples, to: record)
  }

  package func weight(ofExamples count: Int) -> Double? { numbers.weight(ofExamples: count) }

  // MARK: Statistics

  package func commitStatistics(_ folded: UnsafeBufferPointer<Float>) {
    let running = memory.runningStatistics
    for (leaf, statistic) in zip(layout.slots[gradientSlotCount...], observed) {
      let momentum = statistic.momentum
      for (from, to) in zip(leaf.range, statistic.slot.range) {
        running[to] = (1 - momentum) * running[to] + momentum * folded[from]
      }
    }
  }

  // MARK: Plans

  /// What a plan is made for.
  private struct Size: Hashable {
    let examples: Int
    let shards: Int
    /// What takes the gradients that are left out.
    var deferred: ObjectIdentifier?
  }

  /// As many examples are computed at once at the most, so that what a lane holds of them stays in the
  /// caches.
  private static let mostAtOnce = 128

  /// The plan for a number of examples, of so many shards. Threads only ask for plans that exist
  /// already.
  func plan(
    _ count: Int, shards: Int = 1, deferring deferred: (any DeferredProducts)? = nil
  ) throws -> Plan {
    let size = Size(
      examples: count, shards: shards, deferred: deferred.map { ObjectIdentifier($0) })
    if let plan = plans[size] { return plan }
    let objective = try trace(count, true)
    try ObjectiveInputs(objective, count: count).check(fillableBy: dataset)
    let program = try Program(differentiating: objective.loss, scalars: objective.scalars)
    guard ObjectiveNumbers(objective) == numbers else {
      throw GraphError("the objective has other metrics for \(count) examples than for 2")
    }
    guard program.leafLayout == layout, memory.fits(program) else {
      throw GraphError("the model declares other parameters for \(count) examples than for 2")
    }
    guard program.synchronizations == synchronizations else {
      throw GraphError("the model has other synchronised layers for \(count) examples than for 2")
    }
    let plan = try Plan(
      program, shards: shards, deferring: deferred, parameters: memory.parameters,
      statistics: memory.runningStatistics,
      isa: isa, options: options)
    plans[size] = plan
    return plan
  }

  /// The plan that computes as many shards at once as gain by it, from the plan of one: a power of two
  /// of them, `widest` at the most.
  private func atOnce(
    _ one: Plan, widest: Int, deferring deferred: (any DeferredProducts)? = nil
  ) throws -> Plan {
    guard one.isShardwise else { return one }
    let examples = one.program.graph.batchCount
    var shards = 1
    while 2 * shards <= min(widest, Plan.mostShards), 2 * shards * examples <= Self.mostAtOnce {
      shards *= 2
    }
    guard shards > 1 || deferred != nil else { return one }
    let plan = try plan(shards * examples, shards: shards, deferring: deferred)
    try plan.packParameters()
    return plan
  }

  /// The fold of a rank's shards over its threads, in leaves of a plan's layout or of the canonical
  /// one.
  func threadedFold(
    _ shards: Range<Int>, _ accumulator: ShardAccumulator, _ packing: Plan?, parts: Int? = nil
  ) -> ThreadedFold {
    let count = packing?.leafCount ?? layout.count
    let rounding =
      packing.map { accumulator.rounding?.over(count: $0.leafGradientCount) }
      ?? accumulator.rounding
    let fold: ThreadedFold
    if let known = folds[count], known.shards == shards, known.rounding == rounding {
      fold = known
    } else {
      fold = ThreadedFold(
        shards: shards, subtrees: accumulator.subtrees, threads: crew.size, count: count,
        parts: parts, rounding: rounding)
      folds[count] = fold
    }
    for share in fold.shares {
      share.accumulator.inspector = accumulator.inspector
      share.accumulator.statistics = packing?.leafStatistics ?? accumulator.statistics
    }
    return fold
  }

  /// The plan of shards of a size.
  package func plan(examples: Int) throws -> Plan { try plan(examples) }

  /// The plan that computes the shards of some subtrees, where all have one size: one after the other,
  /// or several at once (``Plan/shards``).
  package func plan(examples: Int, in subtrees: [FoldPlan.Subtree]) throws -> Plan {
    try atOnce(plan(examples), widest: subtrees.map(\.shards.count).min() ?? 1)
  }

  /// What runs, in words: the schedule of shards of a size, with the implementations chosen.
  package func schedule(examples: Int) throws -> [(label: String, implementation: String)] {
    try plan(examples).summary
  }
}

extension InstructionSet {
  /// a += b, elementwise.
  func add(
    _ a: UnsafeMutableBufferPointer<Float>, _ b: UnsafeMutableBufferPointer<Float>
  ) {
    guard let to = a.baseAddress, let from = b.baseAddress else { return }
    arenaKernels.pointee.add(to, to, from, a.count)
  }
}
