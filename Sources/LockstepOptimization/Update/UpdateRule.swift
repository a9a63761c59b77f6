internal import CLockstepKernels
import LockstepEngine

/// A chain at work on one layout, with the constraints and the average of weights that follow it.
///
/// A step is, in this order: `measure(block:in:)` for every block of the folded, normalised
/// gradient, by whoever owns the block; `prepare(step:blockSums:)` with all blocks'
/// sums, which decides and changes nothing; `apply(gradient:parameters:blocks:gather:)`, once.
///
/// The executor walks the arena block by block and applies the whole chain, the step and the
/// constraint to a block while it is in cache. Transforms that need norms of what earlier
/// transforms made cut the chain into passes; only then does an arena of updates exist. No bit
/// depends on which blocks are walked together, in which order, or on the instruction set.
public final class UpdateRule {
  /// Adds the other ranks' rows to a table of block sums.
  ///
  /// The table has one row of `width` values for each block of the layout, block after block, and
  /// the rows of this rank's blocks are filled in. On return all rows are.
  package typealias Gather = (_ table: UnsafeMutableBufferPointer<Double>, _ width: Int) throws ->
    Void

  /// Where each trainable tensor lies among the parameters.
  package let layout: FlatLayout
  /// The transforms that make the update of the gradient.
  package let chain: Chain
  /// The constraint of each slot.
  package let constraints: [WeightConstraint?]
  /// The blocks of ``layout``, the unit of all ranges of blocks.
  package let blocks: [Block]
  /// The blocks whose state is kept here and which `apply(gradient:parameters:blocks:gather:)`
  /// updates: all, or one rank's.
  package let owned: Range<Int>
  /// Everything a checkpoint must hold, at addresses that never change once a step's matrices have owners.
  package var state: [StateEntry] {
    [StateEntry("optimizer.updates", .integers(updates.buffer)), rateFactor.state] + starts.state
      + stateEntries(of: transforms)
      + (plateau?.state ?? []).map { StateEntry("optimizer.\($0.name)", $0.storage) }
      + projection.state + (average?.state ?? [])
  }

  let kernels: Kernels
  let transforms: [any InspectedTransform]
  let passes: [UpdatePass]
  let fused: FusedStep?
  /// When slots begin to move.
  let starts: SlotStarts
  let lastClip: Int?
  private let firstRate: Schedule?
  let projection: ConstraintExecutor
  let average: BoundAverage?
  let heldRows: HeldRows
  private let plateau: PlateauMonitor?
  private let updates = Arena<Int64>(count: 1)
  let rateFactor: LearningRateFactor
  let scratch: Arena<Float>
  let updateArena: Arena<Float>?
  /// A row of ``Tally`` columns for each block.
  let tally: Arena<Double>
  private var pending: UpdateReport?
  private let ownedGroups: [Range<Int>]
  /// Shares matrices out over ranks; nil where this one transforms all. Their state goes with them: where other
  /// matrices become this rank's, the state of matrices starts anew.
  package var matrixExchange: (any MatrixExchange)? {
    didSet {
      for state in matrixStates { state.keep(matrixExchange.flatMap(\.owned)) }
    }
  }
  /// What the last `apply` updated.
  private(set) var updated: [Range<Int>] = []
  /// The learning rate at the end of the chain, which the step itself multiplies by.
  let finalRate: BoundLearningRate?
  /// The norm below which the optimizer's ε is larger than the root mean square of a gradient.
  let epsilonNorm: Double

  /// The columns of the table that a walk fills.
  enum Tally {
    /// The sum of squares of the written parameters, where a unit spans blocks.
    static let run = 0
    /// The sum of squares behind the last clip, where that has to be measured.
    static let clipped = 1
    /// The number of values that clips changed.
    static let changed = 2
    static let width = 3
  }

  /// Binds a chain and constraints to a layout.
  ///
  /// - Parameters:
  ///   - constraints: one entry a slot, or none at all; nil for those that the layout's tensors got
  ///     from their layers.
  ///   - groups: learning-rate and weight-decay factors and clips by name; the first group that
  ///     holds for a name counts.
  ///   - average: the average of weights to keep.
  ///   - owned: the blocks to update, where each rank updates its own; all of them if nil. State is
  ///     kept for these alone.
  /// - Throws: ``HyperparameterError`` with the key and value that cannot be used,
  ///   `unmatchedPattern(_:names:)`.
  public convenience init(
    layout: FlatLayout, chain: Chain, constraints: [WeightConstraint?]? = nil,
    groups: [ParameterGroup] = [], average: WeightAverage? = nil
  ) throws {
    try self.init(
      layout: layout, chain: chain, constraints: constraints, groups: groups, average: average,
      owning: nil)
  }

  /// As the public initialiser, for a rank that updates blocks of its own.
  ///
  /// - Parameters:
  ///   - owned: the blocks to update; all of them if nil. State is kept for these alone.
  ///   - stepsBeforeMoving: the number of steps before the first that moves each slot; empty where all move
  ///     from the first step on.
  package convenience init(
    layout: FlatLayout, chain: Chain, constraints: [WeightConstraint?]? = nil,
    groups: [ParameterGroup] = [], average: WeightAverage? = nil, owning owned: Range<Int>?,
    stepsBeforeMoving: [Int] = [],
    instructionSet: InstructionSet = .current
  ) throws {
    try self.init(
      layout: layout, chain: chain, constraints: constraints ?? layout.slots.map(\.constraint),
      groups: groups, average: average,
      owning: owned, stepsBeforeMoving: stepsBeforeMoving,
      instructionSet: instructionSet, fuses: true)
  }

  /// As the public initialiser; `fuses` off takes every kernel by itself.
  package init(
    layout: FlatLayout, chain: Chain, constraints: [WeightConstraint?],
    groups: [ParameterGroup], average: WeightAverage? = nil, owning owned: Range<Int>? = nil,
    stepsBeforeMoving: [Int] = [], instructionSet: InstructionSet, fuses: Bool
  ) throws {
    try chain.validate()
    try average?.validate()
    try Self.check(layout, constraints)
    let blocks = layout.blocks()
    if let owned, owned.lowerBound < 0 || owned.upperBound > blocks.count {
      throw UpdateError.badBlocks([owned])
    }
    self.owned = owned ?? 0..<blocks.count
    let held = owned.map { owned in
      owned.isEmpty ? 0..<0 : blocks[owned.first!].offset..<blocks[owned.last!].range.upperBound
    }
    let kernels = Kernels(instructionSet)
    self.layout = layout
    self.chain = chain
    self.blocks = blocks
    self.kernels = kernels
    self.constraints =
      constraints.isEmpty ? Array(repeating: nil, count: layout.slots.count) : constraints
    let slotBlocks = LockstepOptimization.slotBlocks(blocks, slots: layout.slots.count)
    let slotGroups = try SlotGroups(groups, layout: layout)
    let context = TransformContext(
      layout: layout, blocks: blocks, slotBlocks: slotBlocks,
      learningRateFactors: slotGroups.learningRates,
      weightDecayFactors: slotGroups.weightDecays, held: held, kernels: kernels)
    let links = (slotGroups.clip.map { [$0] } ?? []) + chain.transforms
    let transforms = try links.map { try $0.bindInspected(to: context) }
    self.transforms = transforms
    starts = try SlotStarts(stepsBeforeMoving, of: transforms)
    try checkClips(of: links, bound: transforms, names: layout.slots.map(\.name))
    plateau = try chain.plateau().map(PlateauMonitor.init)
    self.average = average.map { BoundAverage($0, context) }
    passes = UpdatePass.passes(of: transforms, blockCount: blocks.count, slotBlocks: slotBlocks)
    fused = fuses ? FusedStep(transforms[passes.last!.transforms], kernels: kernels) : nil
    lastClip = transforms.lastIndex { $0.isClip }
    firstRate = chain.transforms.lazy.compactMap(\.schedules.first).first

    projection = try ConstraintExecutor(
      constraints, layout: layout, blocks: blocks, slotBlocks: slotBlocks, kernels: kernels)

    heldRows = HeldRows(layout, owned: held ?? 0..<layout.count)
    ownedGroups = [self.owned]
    finalRate = transforms.last as? BoundLearningRate
    epsilonNorm = chain.epsilonNorm(layout)
    rateFactor = LearningRateFactor(of: chain)
    scratch = Arena(count: FlatLayout.blockSize)
    updateArena =
      UpdatePass.leaveUpdates(passes) ? Arena(indices: held ?? 0..<layout.count) : nil
    tally = Arena(count: blocks.count * Tally.width)
  }

  private static func check(_ layout: FlatLayout, _ constraints: [WeightConstraint?]) throws {
    if let problem = layout.problem { throw GraphError(problem) }
    guard constraints.isEmpty || constraints.count == layout.slots.count else {
      throw UpdateError.wrongLength(
        "the list of constraints", expected: layout.slots.count, found: constraints.count)
    }
  }

  /// The number of updates made so far; a step that was not applied does not count.
  public var updateCount: Int { Int(updates.base[0]) }

  /// Whether a rank that updates a part of the blocks must call `projectGathered(parameters:)`
  /// once it has all parameters.
  package var projectsAfterGather: Bool { projection.needsTensors }

  private var rateScale: Double { plateau?.scale ?? 1 }

  /// Takes a metric in, on all ranks the same one, for a schedule that reduces the learning rate on
  /// plateaus; without one nothing happens.
  ///
  /// - Returns: whether the learning rate was reduced.
  @discardableResult
  package func report(metric: Double) -> Bool { plateau?.report(metric) ?? false }

  /// The sum of squares of a block of the gradient, in Double; not finite exactly where a value of
  /// the block is not.
  ///
  /// - Returns: a NaN, which `prepare(step:blockSums:)` refuses, where there is no such
  ///   block or the gradient does not reach it.
  package func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double {
    guard blocks.indices.contains(block), gradient.count >= blocks[block].range.upperBound else {
      return .nan
    }
    return kernels.sumOfSquares(gradient.baseAddress! + blocks[block].offset, blocks[block].count)
  }

  /// Decides the step: norm, clip coefficients, learning rate, bias corrections. Changes neither
  /// parameters nor state, and may be called again.
  ///
  /// - Parameters:
  ///   - step: the run's step, counted from 0, which schedules follow.
  ///   - blockSums: ``measure(block:in:)`` of every block of the layout, in block order.
  /// - Throws: `NonFiniteGradient`, `badLearningRate(_:step:)`.
  @discardableResult
  package func prepare(
    step: Int, blockSums: UnsafeBufferPointer<Double>
  ) throws -> UpdateReport {
    pending = nil
    guard blockSums.count == blocks.count else {
      throw UpdateError.wrongLength(
        "blockSums", expected: blocks.count, found: blockSums.count)
    }
    if let block = blockSums.firstIndex(where: { !$0.isFinite }) {
      let slot = blocks[block].slot
      throw NonFiniteGradient(
        step: step, block: block, slot: slot, name: layout.slots[slot].name)
    }
    if headCount > 0, !projection.heads.isTold {
      throw UpdateError.needsLogits(heads: headCount)
    }
    let measured = passes[0].measurements
    _ = measured.table.buffer.update(fromContentsOf: blockSums)
    var report = UpdateReport(
      step: step, gradientNorm: measured.norm(.update(.two)), clippedGradientNorm: nil,
      clipped: false,
      learningRate: firstRate.map {
        $0.value(at: step, reducedBy: rateScale) * rateFactor.value
      } ?? 1)
    guard report.learningRate.isFinite, report.learningRate >= 0 else {
      throw UpdateError.badLearningRate(report.learningRate, step: step)
    }
    report.dominantTensor = dominantTensor(of: report.gradientNorm)
    try prepareTransforms(of: passes[0], step: step)
    if let lastClip {
      if passes[0].transforms.contains(lastClip) {
        report.clippedGradientNorm = transforms[lastClip].clippedNorm
        report.clipped = transforms[passes[0].transforms].contains { $0.didClip }
      }
    } else {
      report.clippedGradientNorm = report.gradientNorm
    }
    pending = report
    return report
  }

  /// - Parameter updatesBefore: the updates that were made before the slots at hand began to move.
  private func prepareTransforms(
    of pass: UpdatePass, step: Int, updatesBefore: Int = 0
  ) throws {
    let context = StepContext(
      step: step, update: updateCount + 1 - updatesBefore, measurements: pass.measurements,
      rateScale: rateScale,
      rateFactor: rateFactor.value)
    for index in pass.transforms { transforms[index].prepare(context) }
    if let misuse = pass.measurements.misuse { throw misuse }
  }

  /// Makes the step that was prepared: chain, p ← p − u, constraints; state advances once.
  ///
  /// - Parameters:
  ///   - gradient: the folded, normalised gradient, in the layout; at least the blocks named.
  ///   - parameters: the parameters, in the layout.
  ///   - blocks: the blocks to update, in disjoint ranges, among those owned; all of these by
  ///     default.
  ///   - gather: completes tables of block sums over ranks; needed where `blocks` are not all. Ranks
  ///     that update parts all give it, even one whose part is everything.
  /// - Returns: the report with everything known.
  @discardableResult
  package func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    blocks groups: [Range<Int>]? = nil, gather: Gather? = nil
  ) throws -> UpdateReport {
    guard var report = pending else { throw UpdateError.notPrepared }
    try checkLength("the gradient", gradient.count)
    try checkLength("the parameters", parameters.count)
    let groups = groups ?? ownedGroups
    let isWhole = try check(groups)
    if blocks.isEmpty {
      pending = nil
      return finish(&report)
    }
    let measuresClip = lastClip.map { transforms[$0].clippedNorm == nil } ?? false
    if !isWhole { try checkParts(canGather: gather != nil, measuresClip: measuresClip) }
    pending = nil
    updated = groups
    let values = parameters.baseAddress!
    begin(step: report.step, values)
    var source = gradient.baseAddress!
    for pass in passes.indices {
      if pass > 0 {
        let measured = passes[pass].measurements
        if let gather, !measured.measures.isEmpty {
          try gather(measured.table.buffer, measured.measures.count)
        }
        try prepareTransforms(of: passes[pass], step: report.step)
        if let matrices = passes[pass].matrices { try transform(by: matrices, parameters: values) }
      }
      // Those that have moved from the first step on come last, so that the scalars that are committed are
      // theirs.
      for start in starts.moving {
        if !starts.areAlike {
          try prepareTransforms(
            of: passes[pass], step: report.step, updatesBefore: starts.updatesBefore(start))
        }
        for group in groups { walk(group, of: start, pass: pass, source, values) }
      }
      if let updateArena, leavesUpdate(pass) {
        source = UnsafePointer(updateArena.base)
      }
    }
    if let gather, projection.hasRuns || lastClip != nil {
      try gather(tally.buffer, Tally.width)
    }
    projection.projectRuns(values, groups) { block in
      tally.base[block * Tally.width + Tally.run]
    }
    if projection.hasRuns {
      heldRows.putBack(values)
      takeAverages(values, behind: .sums)
    }
    if isWhole, gather == nil { try projectGathered(parameters: parameters) }
    for transform in transforms { transform.commit() }
    average?.commit()
    return finish(&report)
  }

  /// How many heads of attentions a step must tell the largest logits of; 0 where no constraint asks.
  package var headCount: Int { projection.heads.count }

  /// Takes the largest logits of all heads of the model's attentions in the batch whose update is prepared next.
  package func tell(largestLogits: UnsafeBufferPointer<Double>) {
    projection.heads.tell(largestLogits)
  }

  private func begin(step: Int, _ parameters: UnsafeMutablePointer<Float>) {
    starts.begin(step: step, updates: updateCount)
    projection.begin(update: updateCount + 1, parameters, moving: { starts.isMoving($0) })
    average?.begin(update: updateCount + 1)
    heldRows.keep(parameters)
    tally.buffer.update(repeating: 0)
  }

  private func finish(_ report: inout UpdateReport) -> UpdateReport {
    updates.base[0] += 1
    report.headClip = projection.heads.report
    guard let lastClip else { return report }
    func total(_ column: Int) -> Double {
      var sum = 0.0
      for block in blocks.indices { sum += tally.base[block * Tally.width + column] }
      return sum
    }
    report.clipped = transforms.contains { $0.didClip } || total(Tally.changed) > 0
    report.clippedGradientNorm =
      transforms[lastClip].clippedNorm ?? total(Tally.clipped).squareRoot()
    report.clippedFraction = clippedFraction
    report.clipsBelowEpsilon = report.clipped && report.clippedGradientNorm ?? 0 < epsilonNorm
    return report
  }

  /// Projects the tensors that must be at hand as a whole (see ``projectsAfterGather``).
  ///
  /// `apply` without `gather` does it. Where ranks update parts, each calls this once after the
  /// parameters have been gathered: the vectors of spectral norms move with it.
  ///
  /// - Throws: ``UpdateError/wrongLength(_:expected:found:)``.
  package func projectGathered(parameters: UnsafeMutableBufferPointer<Float>) throws {
    try checkLength("the parameters", parameters.count)
    guard let base = parameters.baseAddress else { return }
    projection.projectTensors(base)
    if projection.needsTensors { takeAverages(base, behind: .tensor) }
  }
}
