import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepObservation
import LockstepState

/// Computes the gradients of a traced model on a data set, through the engine's plans.
///
/// A plan is made for each number of examples that a shard can have. Shards are computed one after the
/// other, on several threads, or beside those of all ranks; the bits are the same.
public final class ModelSource: GradientSource {
  private let leaves: LeafComputation
  let crew: Crew
  let lanes: [LaneSet]
  let curvature = CurvatureMemory()
  private let computer: any ShardComputer
  /// The computer, where shards see each other.
  private let joint: JointComputation?
  /// What the model is trained on, where that is losses of its outputs.
  package internal(set) var losses: OutputLosses?

  /// Where the time of the rank's threads is recorded; nil for nowhere. A step throws where it has
  /// another number of threads than the source.
  package var timeline: Timeline? {
    didSet {
      crew.track = timeline?.main
      for (index, lane) in lanes.enumerated() {
        lane.track = timeline.flatMap { $0.threads.count == lanes.count ? $0.threads[index] : nil }
      }
      inputs.timeline = timeline
    }
  }

  /// Traces the model and lays out its memory.
  ///
  /// - Parameters:
  ///   - dataset: the examples that batches name by number.
  ///   - seed: the key of dropout masks.
  ///   - trace: the model, its loss and its metrics.
  ///   - isa: the instruction set of our own kernels.
  ///   - options: the algorithms of the engine's plans.
  ///   - threads: how many threads of this rank compute shards. Their number changes no bit.
  ///   - padded: what batches of sequences of each padded length look like; none where all are alike.
  ///   - exampleClip: the limit of each example's gradient; nil for none.
  ///   - readsLogits: whether the largest logits of attentions' heads are wanted.
  ///   - admit: looks at what the model's memory will take before there is any, and at what training it
  ///     will take beside it at the least, and throws where that is too much.
  /// - Throws: ``ArgumentError`` for less than one thread, ``GraphError`` where the model does not fit
  ///   the data or asks for an input that nothing fills, ``PrecisionError`` where the processor does
  ///   not compute in the precision asked for.
  package init(
    dataset: any ExampleSource, seed: UInt64, isa: InstructionSet = .current,
    options: PlanOptions = PlanOptions(), threads: Int = 1,
    padded: [BatchForm] = [], exampleClip: ExampleClip? = nil,
    readsLogits: Bool = false, admit: (MemoryNeed, MemoryNeed) throws -> Void = { _, _ in },
    trace: @escaping ObjectiveTrace
  ) throws {
    try ArgumentError.require(threads, atLeast: 1, "threads", of: "ModelSource")
    let model = try TracedModel(
      trace, on: dataset, seed: seed, isa: isa, options: options, padded: padded,
      exampleClip: exampleClip, readsLogits: readsLogits
    ) {
      try admit(MemoryNeed(model: $0), MemoryNeed(training: $0, threads: threads))
    }
    let plans = PlanCache(model)
    let inputs = InputPipeline(model, threads: threads)
    leaves = LeafComputation(model, plans, inputs, CarriedStates(model.carried, on: dataset))
    crew = Crew(size: threads)
    let isJoint = !model.synchronizations.isEmpty
    lanes = (0..<threads).map { _ in LaneSet(sharesActivations: isJoint) }
    joint = isJoint ? JointComputation(leaves, by: crew) : nil
    if let joint {
      computer = joint
    } else if threads == 1 {
      computer = SequentialShards(leaves, on: lanes[0])
    } else {
      computer = ThreadedShards(leaves, by: crew, on: lanes)
    }
  }

  // MARK: What it is

  var model: TracedModel { leaves.model }
  var plans: PlanCache { leaves.plans }
  var inputs: InputPipeline { leaves.inputs }
  /// The parameters and statistics.
  package var memory: ModelMemory { model.memory }
  var dataset: any ExampleSource { model.dataset }
  package var layout: FlatLayout { model.layout }
  package var gradientSlotCount: Int { model.gradientSlotCount }
  package var metricNames: [String] {
    model.numbers.metricNames + (model.exampleNorms == nil ? [] : ExampleNorms.names)
      + (model.logits == nil ? [] : [HeadLogits.name])
      + (shardNorms == nil ? [] : ShardNorms.names)
  }
  package var metricFormulas: [MetricFormula] {
    model.numbers.metricFormulas + (model.exampleNorms?.formulas ?? [])
      + (model.logits.map { [$0.formula] } ?? []) + (shardNorms?.formulas ?? [])
  }
  package var shardNorms: ShardNorms? {
    model.shardClip.map { ShardNorms(clip: $0, firstColumn: model.columns) }
  }
  /// The limit of each shard's gradient, before shards are added up. Set before the step is made.
  package var shardClip: ShardClip? {
    get { model.shardClip }
    set { model.shardClip = newValue }
  }
  package var maximumColumns: Range<Int> { model.logits?.columns ?? 0..<0 }
  package var parameters: UnsafeMutableBufferPointer<Float> { memory.trainable }
  /// The number of steps before the first that moves each trainable parameter; empty where all move. Set
  /// before the step is made.
  package internal(set) var stepsBeforeMoving: [Int] {
    get { model.stepsBeforeMoving }
    set { model.stepsBeforeMoving = newValue }
  }
  /// The numbers that the model is computed in.
  package var precision: Precision { model.options.precision }
  package var exampleCount: Int? { dataset.count }
  package var declaredNames: [String] { memory.declaredNames }
  package var stateEntries: [StateEntry] { memory.stateEntries }
  package var isJoint: Bool { joint != nil }
  package var shareableCount: Int { memory.parameters.count }

  package func shareParameters(_ arena: SharedArena, copies: Bool) {
    memory.share(arena, copies: copies)
    plans.removeAll()
    for lane in lanes { lane.removeAll() }
  }

  /// The shape of an example's output, `[classes]` for logits.
  package func outputShape() throws -> [Int] {
    Array(try model.trace(2, false).output.type.shape.dropFirst())
  }

  /// The shapes of all outputs of an example, in order.
  package func outputShapes() throws -> [[Int]] {
    try model.trace(2, false).outputs.entries.map { Array($0.tensor.type.shape.dropFirst()) }
  }

  // MARK: Inputs

  /// What a loss that distils learns from: its logits for the examples of the data set.
  public var teacher: TeacherLogits? {
    get { inputs.teacher }
    set { inputs.teacher = newValue }
  }

  /// Random changes to the inputs, for training alone. A step throws where they were made for inputs of
  /// another shape.
  public var augmentation: Augmentation? {
    get { inputs.augmentation }
    set { inputs.augmentation = newValue }
  }

  /// Whether inputs are made ready on a thread of their own, a step ahead. It changes no bit; see
  /// `prepareInputs(_:ranksOnNode:)`.
  package var preparesAhead: Bool {
    get { inputs.preparesAhead }
    set { inputs.preparesAhead = newValue }
  }

  /// Decides where inputs are made ready. No bit depends on it.
  ///
  /// - Parameter ranksOnNode: how many ranks share the node's processors.
  package func prepareInputs(_ preparation: InputPreparation, ranksOnNode: Int) {
    inputs.prepare(preparation, ranksOnNode: ranksOnNode)
  }

  package func anticipate(_ batch: () throws -> StepBatch) rethrows {
    try inputs.anticipate(batch)
  }

  // MARK: Shards

  package func computeShards(
    of batch: StepBatch, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator
  ) throws {
    try checkSettings()
    try carried?.begin(batch)
    inputs.begin(batch, records.shards)
    try computer.computeShards(
      of: model.cut(batch), into: partials, records: records, accumulator: accumulator)
  }

  /// Throws where what was set since the source was made does not fit it.
  private func checkSettings() throws {
    if let timeline, timeline.threads.count != lanes.count {
      throw ArgumentError(
        "ModelSource", "timeline.threads", is: timeline.threads.count,
        expected: "\(lanes.count), the source's threads")
    }
    try inputs.check()
  }

  package func computeShard(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    record: ShardRecord
  ) throws {
    if let joint { return try joint.copy(shard, of: batch, into: leaf, record) }
    let batch = model.cut(batch)
    _ = try plans.pack(for: shard..<shard + 1, of: batch)
    try leaves.compute(shard, of: batch, into: leaf, record, lanes[0])
  }

  package func weight(ofExamples count: Int) -> Double? { model.numbers.weight(ofExamples: count) }

  package func firstNotFiniteExample(ofShard shard: Int, of batch: StepBatch) throws -> Int? {
    guard model.exampleNorms != nil else { return nil }
    let alone = model.cutIntoExamples(batch)
    _ = try plans.pack(for: shard..<shard + 1, of: alone)
    let leaf = Arena<Float>(count: layout.count)
    let numbers = Arena<Double>(count: ShardRecord.Column.metrics + metricColumns)
    defer { withExtendedLifetime((leaf, numbers)) {} }
    let record = ShardRecord(values: numbers.buffer)
    for position in batch.positions(ofShard: shard) where position < batch.present {
      numbers.buffer.update(repeating: 0)
      try leaves.compute(
        shard, at: position..<position + 1, of: alone, into: leaf.buffer, record, lanes[0])
      if !record.loss.isFinite || leaf.buffer.contains(where: { !$0.isFinite }) {
        return batch.examples(at: position..<position + 1).first
      }
    }
    return nil
  }

  /// The limit of each example's gradient; nil where there is none.
  package var exampleClip: ExampleClip? { model.exampleNorms?.clip }
  /// Whether examples' gradients are made one by one, to limit them.
  package var computesExamplesAlone: Bool { model.computesExamplesAlone }

  package func commitStatistics(_ folded: UnsafeBufferPointer<Float>) {
    model.commitStatistics(folded)
  }

  // MARK: Shards that see each other, and batches

  package func join(_ plan: FoldPlan, on collective: any Collective) throws {
    joint?.join(plan, on: collective)
    carried?.join(plan, rank: collective.rank)
  }

  package func check(_ batch: StepBatch) throws {
    try joint?.check(batch)
    try carried?.check(batchSize: batch.examples.count)
  }

  package func declineShards(because failure: any Error) throws -> Never {
    try joint?.decline(because: failure)
    throw failure
  }

  package func firstNotFinite(ofShard shard: Int) -> Int {
    joint?.firstNotFinite(ofShard: shard) ?? .max
  }

  private var carried: CarriedStates? { leaves.carried }

  // MARK: Plans

  /// The plan of shards of a size.
  package func plan(examples: Int) throws -> Plan { try plans.plan(examples) }

  /// The plan that computes the shards of some subtrees, where all have one size: one after the other,
  /// or several at once (``Plan/shards``).
  package func plan(examples: Int, in subtrees: [FoldPlan.Subtree]) throws -> Plan {
    try plans.atOnce(plans.plan(examples), widest: subtrees.map(\.shards.count).min() ?? 1)
  }

  /// What runs, in words: the schedule of shards of a size, with the implementations chosen.
  package func schedule(examples: Int) throws -> [(label: String, implementation: String)] {
    try plans.plan(examples).summary
  }
}

extension ModelSource: CarryingSource {
  package var carriesStates: Bool { carried != nil }
  package var carriedEntries: [StateEntry] { carried?.stateEntries ?? [] }
  package func commitStates(_ isTakenOut: (_ shard: Int) -> Bool) { carried?.commit(isTakenOut) }

  /// Whether an order of the examples may be random: not where they are streams side by side, or where states
  /// go from one to the next.
  package var canShuffle: Bool { !carriesStates && !dataset.isInterleaved }

  /// Throws ``GraphError`` where states cannot go from batch to batch of an order.
  func checkStreams(of sampler: Sampler) throws(GraphError) {
    try carried?.check(batchSize: sampler.batchSize)
    guard carried == nil || !sampler.shuffle else {
      throw GraphError(
        "the model carries states from batch to batch, and the order of the examples is random: do not shuffle"
      )
    }
  }
}
