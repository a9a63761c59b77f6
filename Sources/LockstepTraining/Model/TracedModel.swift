import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepState

/// A model under its loss on a data set: its trace, the layout of its memory, and what a batch leaves of
/// it. All plans are made from one, and do not differ in any of these.
final class TracedModel {
  let trace: ObjectiveTrace
  let dataset: any ExampleSource
  /// What batches look like: one form for each padded length of sequences, else one.
  let forms: [BatchForm]
  /// The key of dropout masks and augmentations.
  let seed: UInt64
  let isa: InstructionSet
  let options: PlanOptions
  /// The parameters and statistics.
  let memory: ModelMemory
  /// The arena that is folded.
  let layout: FlatLayout
  let gradientSlotCount: Int
  /// The number of leading values of the arena that are gradients; statistics follow.
  var gradientSize: Int {
    gradientSlotCount < layout.slots.count ? layout.slots[gradientSlotCount].offset : layout.count
  }
  /// The numbers that a batch leaves beside its gradient.
  let numbers: ObjectiveNumbers
  /// What becomes of the norms of examples' gradients; nil where these are not limited.
  let exampleNorms: ExampleNorms?
  /// Where the largest logits of heads go; nil where nobody asks for them.
  let logits: HeadLogits?
  /// Whether examples' gradients are made one by one, to limit them.
  let computesExamplesAlone: Bool
  /// The limit of each shard's gradient, before shards are added up. Set before a step is made.
  var shardClip: ShardClip?
  /// The number of columns that losses, examples' norms and logits take in a shard's record.
  var columns: Int {
    numbers.columns + (exampleNorms == nil ? 0 : ExampleNorms.columnCount)
      + (logits?.columns.count ?? 0)
  }
  /// Where shards must see each other.
  let synchronizations: [SynchronizationPoint]
  /// What is carried from batch to batch.
  let carried: [CarriedKind]
  /// The number of steps before the first that moves each trainable parameter; empty where all move.
  var stepsBeforeMoving: [Int] = [] {
    didSet { laterStarts = Set(stepsBeforeMoving).subtracting([0]).sorted() }
  }
  /// The different numbers of steps before parameters begin to move that do not from the first on.
  private var laterStarts: [Int] = []
  /// The momenta of the statistics that the leaf holds, in its order, and their slots.
  private let observed: [(momentum: Float, slot: FlatLayout.Slot)]

  /// Traces the model and lays out its memory.
  ///
  /// - Parameters:
  ///   - padded: what batches of sequences of each padded length look like; none where all are alike.
  ///   - exampleClip: the limit of each example's gradient; nil for none.
  ///   - readsLogits: whether the largest logits of heads are wanted, though no layer's constraint asks for them.
  ///   - admit: looks at the program before there is memory for it.
  /// - Throws: ``GraphError`` where the model does not fit the data or asks for an input that nothing
  ///   fills, ``PrecisionError`` where the processor does not compute in the precision asked for.
  init(
    _ trace: @escaping ObjectiveTrace, on dataset: any ExampleSource, seed: UInt64,
    isa: InstructionSet, options: PlanOptions, padded: [BatchForm], exampleClip: ExampleClip?,
    readsLogits: Bool, admit: (Program) throws -> Void
  ) throws {
    try options.precision.check()
    try dataset.checkFields()
    // The shapes of parameters do not depend on the number of examples; two are the fewest that
    // batch normalisation accepts.
    let objective = try trace(2, true)
    try ObjectiveInputs(objective, count: 2).check(fillableBy: dataset)
    let readsLogits = readsLogits || HeadLogits.areWanted(by: objective.loss.graph)
    var program = try objective.trainingProgram(readingLogits: readsLogits)
    var isAlone = false
    if let exampleClip {
      try program.checkExamplesAreSeparate()
      let limited = try trace(2, true).trainingProgram(
        limitedBy: exampleClip, readingLogits: readsLogits)
      isAlone = limited == nil
      program = limited ?? program
    }
    self.trace = trace
    self.dataset = dataset
    forms = padded.isEmpty ? [BatchForm(dataset: dataset, trace: trace)] : padded
    self.seed = seed
    self.isa = isa
    self.options = options
    synchronizations = program.synchronizations
    carried = objective.carried
    try admit(program)
    memory = ModelMemory(program)
    layout = program.leafLayout
    gradientSlotCount = program.gradientCount
    numbers = ObjectiveNumbers(objective)
    let columns = numbers.columns
    exampleNorms = exampleClip.map { ExampleNorms(clip: $0, firstColumn: columns) }
    computesExamplesAlone = isAlone
    let heads = program.scalars.count - numbers.scalarCount
    logits =
      heads == 0
      ? nil
      : HeadLogits(
        heads, behind: numbers,
        firstColumn: columns + (exampleClip == nil ? 0 : ExampleNorms.columnCount))
    let names = program.leafLayout.slots[program.gradientCount...].map(\.name)
    observed = names.map { name in
      let index = program.statisticLayout.index(of: name)!  // the leaf's statistics are a subset
      return (program.graph.statistics[index].momentum, program.statisticLayout.slots[index])
    }
  }

  /// The number of what computes a batch: that of the form of its longest sequence, and as many rounds of all
  /// forms as there are groups of parameters that do not move yet.
  func form(of batch: StepBatch) -> Int {
    let waiting = laterStarts.count { $0 > batch.step }
    return waiting * forms.count + forms.form(of: batch.examples, in: dataset)
  }

  /// The forms of another source of the same fields, with the traces of this one's.
  ///
  /// - Throws: ``GraphError`` where its sequences are padded to other lengths.
  func batchForms(on source: any ExampleSource) throws(GraphError) -> [BatchForm] {
    let padded = source as? any PaddedSource
    guard padded?.padding == (dataset as? any PaddedSource)?.padding else {
      throw GraphError(
        "the sequences of '\(source.name)' are padded to other lengths than those of '\(dataset.name)'"
      )
    }
    return forms.enumerated().map { bucket, form in
      BatchForm(dataset: padded?.padded(toBucket: bucket) ?? source, trace: form.trace)
    }
  }

  /// What computes the gradient of so many examples.
  ///
  /// - Parameter number: what ``form(of:)`` gave; the number of a form alone for one of all parameters.
  /// - Throws: ``GraphError`` where the trace depends on the number of examples in more than shapes.
  func program(examples count: Int, form number: Int) throws -> Program {
    let form = forms[number % forms.count]
    let objective = try form.trace(count, true)
    try ObjectiveInputs(objective, count: count).check(fillableBy: form.dataset)
    let program = try self.program(of: objective)
    guard ObjectiveNumbers(objective) == numbers else {
      throw GraphError("the objective has other metrics for \(count) examples than for 2")
    }
    guard program.leafLayout == layout, memory.fits(program) else {
      throw GraphError(
        "the model declares other parameters for \(count) examples than for 2" + form.note)
    }
    guard objective.carried == carried else {
      throw GraphError("the model carries other states for \(count) examples than for 2")
    }
    guard program.synchronizations == synchronizations else {
      throw GraphError("the model has other synchronised layers for \(count) examples than for 2")
    }
    return program.omitting(gradients: frozenSlots(waiting: number / forms.count))
  }

  /// The slots that do not move while so many groups of parameters are still to begin.
  private func frozenSlots(waiting: Int) -> [Int] {
    // Shards that see each other meet as often in every step: nothing is left out there, and the step takes no
    // notice of what is made.
    guard waiting > 0, synchronizations.isEmpty else { return [] }
    let next = laterStarts[laterStarts.count - waiting]
    return stepsBeforeMoving.indices.filter { stepsBeforeMoving[$0] >= next }
  }

  /// What computes an objective's gradient, with each example's limited where that is wanted.
  func program(of objective: Objective) throws -> Program {
    let readsLogits = logits != nil
    guard let exampleNorms, !computesExamplesAlone else {
      return try objective.trainingProgram(readingLogits: readsLogits)
    }
    guard
      let limited = try objective.trainingProgram(
        limitedBy: exampleNorms.clip, readingLogits: readsLogits)
    else {
      throw GraphError(
        "the model has gradients of examples for 2 of them that it does not have here")
    }
    return limited
  }

  /// What the examples at positions of a batch are computed with.
  func context(_ batch: StepBatch, _ positions: Range<Int>) -> RunContext {
    var context = RunContext(
      seed: seed, step: UInt64(batch.step), firstExample: positions.lowerBound)
    context.presentExamples = max(batch.present - positions.lowerBound, 0)
    return context
  }

  /// Adds the numbers of a run to the record of one of its shards.
  func note(_ executor: ShardExecutor, _ place: Int, _ record: ShardRecord) {
    let plan = executor.lane.plan
    let examples = Double(plan.program.graph.batchCount / plan.shards)
    logits?.note(executor.lane, shard: place, isFirst: record.examples == 0, in: record)
    numbers.add(executor.lane, shard: place, examples: examples, to: record)
    noteNorms(executor.lane, place, record)
  }

  /// Adds the norms of examples' gradients that a run has left to the record of one of its shards.
  private func noteNorms(_ lane: Lane, _ place: Int, _ record: ShardRecord) {
    guard let exampleNorms, !computesExamplesAlone else { return }
    let norms = lane.output(lane.plan.program.outputs.count - 1)
    let count = norms.count / lane.plan.shards
    for index in place * count..<(place + 1) * count {
      exampleNorms.note(norm: Double(norms[index]), in: record)
    }
  }

  /// Moves the running statistics towards those of a batch.
  func commitStatistics(_ folded: UnsafeBufferPointer<Float>) {
    let running = memory.runningStatistics
    for (leaf, statistic) in zip(layout.slots[gradientSlotCount...], observed) {
      let momentum = statistic.momentum
      for (from, to) in zip(leaf.range, statistic.slot.range) {
        running[to] = (1 - momentum) * running[to] + momentum * folded[from]
      }
    }
  }
}
