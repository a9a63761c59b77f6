import LockstepCollective
import LockstepFold
internal import CLockstepKernels
import LockstepEngine
import LockstepOptimization

/// One Hessian-free step over all ranks.
///
///     gradient → diagonal → conjugate gradients → backtracking → damping → line search →
///     clip, constrain → commit
///
/// The direction d minimises the quadratic model φ(d) = gᵀ d + ½ dᵀ (G + λ I + λ μ S) d, G being the
/// Gauss-Newton matrix of the objective on this batch, S that of the states of recurrent layers
/// (``HessianFreeOptions/structuralDamping``). The step passes the `Update` like a
/// gradient, −α d: its chain needs no learning rate (`Chain()`, or clips), and its constraints hold
/// behind the step. Batch statistics are those of the shards, in products and losses too; running
/// statistics follow as usual.
///
/// Gradients, products and losses are folded by the tree over shards; vectors are whole on every
/// rank and their dot products sums over blocks, so no bit depends on the number of ranks. Like
/// ``TrainingStep`` it is a transaction.
///
/// Source: J. Martens, "Deep learning via Hessian-free optimization", ICML 2010; J. Martens,
/// I. Sutskever, "Learning recurrent neural networks with Hessian-free optimization", ICML 2011.
public final class HessianFreeStep: BatchStep {
  package let plan: FoldPlan
  /// The model.
  package var source: any GradientSource { model }
  /// Clips of the step, and constraints.
  package let update: any Update
  /// The hyperparameters.
  package let options: HessianFreeOptions
  /// What the last step did.
  package internal(set) var details = HessianFreeReport()

  let model: any CurvatureSource
  private let collective: any Collective
  private let exchange: any GradientExchange
  private let accumulator: ShardAccumulator
  private let scalars: ScalarFold
  let trials: ScalarFold
  private let blockSums: BlockSums
  private let health: StepHealth
  private let inspector: LeafInspector?
  private let kernels: UnsafePointer<lockstep_arena_kernels>
  let vectors: BlockVectors
  let solver: ConjugateGradients
  private let counter = Arena<Int64>(count: 1)
  private let damping = Arena<Double>(count: 1)
  private let sums: Arena<Double>
  /// The last direction that conjugate gradients found.
  private let direction: Arena<Float>
  let gradient: Arena<Float>
  private let diagonal: Arena<Float>
  /// The parameters at the start of the step.
  let start: Arena<Float>
  /// What is given to the update; of the folded arena's length.
  private let movement: Arena<Float>

  /// Prepares a step of any source by any update.
  package init(
    source: any CurvatureSource, update: any Update,
    options: HessianFreeOptions = HessianFreeOptions(), nonFinite: NonFinitePolicy = .stop,
    shards: Int, on collective: any Collective
  ) throws {
    try Self.check(source, options, nonFinite)
    plan = try FoldPlan(shards: shards, of: source, on: collective)
    let trainable = Array(plan.layout.slots[..<plan.gradientSlotCount])
    guard update.layout.slots == trainable else {
      throw StepError.layoutsDiffer(
        update: update.layout.slots.map { "\($0.name) \($0.shape)" },
        source: trainable.map { "\($0.name) \($0.shape)" })
    }
    let count = update.layout.count
    guard source.parameters.count >= count else {
      throw StepError.parametersTooFew(count: source.parameters.count, needed: count)
    }
    guard try !update.isSharded(plan, on: collective) else {
      throw StepError.badOption(
        key: "the update", value: "sharded",
        expected: "replicated for a Hessian-free step, whose directions every rank holds whole")
    }
    model = source
    self.update = update
    self.options = options
    self.collective = collective
    guard update.headCount == 0 else {
      throw StepError.badOption(
        key: "a constraint", value: "qkClip",
        expected: "another one for a Hessian-free step, which does not read logits")
    }
    exchange = try collective.makeExchange(plan)
    accumulator = ShardAccumulator(plan, rank: collective.rank)
    let metrics = source.metricColumns
    inspector = LeafInspector(nil, metrics: metrics)
    health = try StepHealth(nonFinite, plan: plan, source: source, on: collective)
    scalars = try ScalarFold(runs: plan.shardRuns, metrics: metrics, on: collective)
    trials = try ScalarFold(runs: plan.shardRuns, metrics: 0, on: collective)
    blockSums = BlockSums(plan, measuresAll: exchange.visitsAllBlocks, on: collective)
    kernels = InstructionSet.current.arenaKernels
    vectors = BlockVectors(Array(plan.blocks[..<plan.gradientBlockCount]), count: count)
    solver = ConjugateGradients(vectors, count: count)
    sums = Arena(count: plan.gradientBlockCount)
    direction = Arena(count: count)
    gradient = Arena(count: count)
    diagonal = Arena(count: count)
    start = Arena(count: count)
    movement = Arena(count: plan.layout.count)
    damping.buffer[0] = options.damping
  }

  /// Refuses what a Hessian-free step cannot be combined with.
  private static func check(
    _ source: any CurvatureSource, _ options: HessianFreeOptions, _ nonFinite: NonFinitePolicy
  ) throws {
    try options.validate()
    guard nonFinite.repair == nil else {
      throw StepError.badOption(
        key: "nonFinite", value: "sanitize", expected: "'stop' or 'skip' for a Hessian-free step")
    }
    guard !source.isJoint else {
      throw StepError.badOption(
        key: "batch normalisation", value: "synchronised over all shards",
        expected: "by shards or frozen for a Hessian-free step, whose products are sums over shards"
      )
    }
    guard try options.structuralDamping == 0 || source.hasRecurrentStates else {
      throw StepError.badOption(
        key: "structuralDamping", value: "\(options.structuralDamping)",
        expected: "0 for a model without recurrent layers, which has no states to damp")
    }
    guard (source as? any CarryingSource)?.carriesStates != true else {
      throw StepError.badOption(
        key: "carriesState", value: "true",
        expected:
          "false for a Hessian-free step, which computes a batch again and again with other weights"
      )
    }
    guard source.precision == .float32 else {
      throw StepError.badOption(
        key: "precision", value: source.precision.rawValue,
        expected: "float32 for a Hessian-free step: conjugate gradients lose their way in products "
          + "of 8 bits")
    }
  }

  /// The number of steps completed.
  package var completed: Int { Int(counter.buffer[0]) }

  package var skippedInARow: Int { health.skippedInARow }

  /// The step's own state: the numbers of steps completed and skipped, λ, and the last direction.
  package var stateEntries: [StateEntry] {
    health.stateEntries + [
      StateEntry("step.completed", .integers(counter.buffer)),
      StateEntry("step.damping", .doubles(damping.buffer)),
      StateEntry("step.direction", .arena(direction.buffer, update.layout)),
    ]
  }

  /// Takes one step on a batch.
  ///
  /// - Parameter batch: the same on every rank, with the number of the next step.
  /// - Returns: what was done, or that nothing was because the step was skipped.
  /// - Throws: as ``TrainingStep/run(_:)``.
  public func run(_ batch: StepBatch) throws -> StepReport {
    try run(batch, requests: [], failure: nil, inspect: {})
  }

  /// Takes one step on a batch.
  ///
  /// - Parameters:
  ///   - given: the same on every rank; its `step` is ``completed``, its `shards` the step's.
  ///   - requests: what this rank asks of all.
  ///   - failure: what already went wrong on this rank; it ends the step on all ranks.
  ///   - inspect: looks at the state that the step started from, once the gradient is there and
  ///     before anything changes.
  /// - Throws: as ``TrainingStep/run(_:requests:failure:inspect:)``. Nothing has changed then.
  package func run(
    _ given: StepBatch, requests: StepRequests = [], failure: (any Error)? = nil,
    inspect: () throws -> Void = {}
  ) throws -> StepReport {
    // What is wrong on one rank alone reaches the others where they meet.
    let problem = given.problem(
      for: plan, completed: completed, exampleCount: source.exampleCount)
    let failure = failure ?? problem
    let batch = problem == nil ? given : given.substitute(for: plan, completed: completed)
    guard lockstep_flush_denormals() != 0 else { throw StepError.noFlushToZero }
    details = HessianFreeReport()
    details.damping = damping.buffer[0]
    collective.page?.enter(.computing, step: completed + 1)
    let clock = ContinuousClock()
    let began = clock.now
    let found = try computeGradient(batch, requests, failure)
    let gradientTime = clock.now - began
    if found == nil { try inspect() }
    try update.scaleLearningRate(by: scalars.requests.learningRateFactor)
    let norm =
      found == nil ? vectors.dot(gradient.base, gradient.base).squareRoot() : blockSums.norm
    let total = scalars.total
    let report = { [self] (length: Double) in
      StepReport(
        step: completed, loss: details.objective, weight: total.weight,
        examples: Int(total.examples),
        metrics: source.metricMeans(of: total),
        update: UpdateReport(
          step: completed, gradientNorm: norm, clippedGradientNorm: norm, learningRate: length),
        requests: scalars.requests, skipped: found,
        hessianFree: found == nil ? details : nil)
    }
    if found != nil {
      health.commit(skipped: true, sanitized: false)
      counter.buffer[0] += 1
      return report(0)
    }
    vectors.copy(start.base, parameters)
    do {
      try estimateDiagonal(batch)
      try solve(batch)
      let chosen = try backtrack(batch)
      let newDamping = adapt(chosen)
      try searchLine(batch, chosen)
      vectors.copy(parameters, start.base)
      collective.page?.enter(.updating, step: completed + 1)
      try applyStep(chosen)
      commit(newDamping)
      details.costInGradients = (clock.now - began) / gradientTime
    } catch {
      vectors.copy(parameters, start.base)
      throw error
    }
    return report(details.stepLength)
  }

  var parameters: UnsafeMutablePointer<Float> { source.parameters.baseAddress! }

  // MARK: Gradient

  /// Leaves the gradient of the objective on every rank, with the folded statistics behind it in
  /// ``movement``.
  ///
  /// - Returns: what is not finite, where the step must be skipped.
  private func computeGradient(
    _ batch: StepBatch, _ requests: StepRequests, _ failure: (any Error)?
  ) throws -> NonFiniteError? {
    accumulator.inspector = inspector
    defer { accumulator.inspector = nil }
    scalars.compute { records in
      if let failure { throw failure }
      inspector?.step = completed + 1
      inspector?.records = records
      try source.computeShards(
        of: batch, into: exchange.partials, records: records, accumulator: accumulator)
    }
    try scalars.gather(requests: requests, of: batch)
    let total = scalars.total
    guard !(total.weight <= 0) else {
      throw StepError.noWeight(step: completed + 1, weight: total.weight)
    }
    try fold(weight: total.weight, examples: total.examples)
    try blockSums.gather()
    details.objective = total.loss / total.weight + penalty
    if let found = try health.judge(
      batch, step: completed + 1, blocks: blockSums.notFinite, total: total)
    {
      return found
    }
    movement.base.update(from: exchange.folded.baseAddress!, count: plan.layout.count)
    vectors.add(gradient.base, movement.base, options.weightDecay, parameters)
    return nil
  }

  /// Adds all partials, divides by the weight, and measures; all ranks get all values.
  private func fold(weight: Double, examples: Double) throws {
    let folded = exchange.folded
    exchange.returnsGradients = true
    try exchange.combine { index in
      let block = plan.blocks[index]
      let values = folded.baseAddress! + block.offset
      let divisor = index < plan.gradientBlockCount ? weight : max(examples, 1)
      kernels.pointee.divide(values, values, Float(divisor), block.count)
      blockSums.set(
        index, squares: kernels.pointee.sum_of_squares(values, block.count), penalty: 0)
    }
    try exchange.gather()
  }

  /// ½ · weightDecay · ‖θ‖².
  var penalty: Double {
    options.weightDecay == 0
      ? 0 : options.weightDecay / 2 * vectors.dot(parameters, parameters)
  }

  // MARK: Curvature

  /// The examples that products are computed on: the first ones keep their positions, and with them
  /// their dropout masks.
  private func curvatureBatch(_ batch: StepBatch) -> StepBatch {
    guard let count = options.curvatureExamples, count < batch.examples.count else { return batch }
    return StepBatch(
      step: batch.step, epoch: batch.epoch, examples: batch.examples.prefix(count),
      shards: batch.shards, microBatches: batch.microBatches)
  }

  private func estimateDiagonal(_ batch: StepBatch) throws {
    guard options.probes > 0 else { return }
    let batch = curvatureBatch(batch)
    vectors.clear(diagonal.base)
    for draw in 0..<options.probes {
      try trials.gather { records in
        try model.computeSquaredProbes(
          of: batch, draw: draw, into: exchange.partials, records: records,
          accumulator: accumulator)
      }
      try foldCurvature()
      vectors.add(
        diagonal.base, diagonal.base, 1 / Double(options.probes), exchange.folded.baseAddress!)
    }
  }

  /// Folds products or squares, and divides them by the weight of the examples that they are of.
  private func foldCurvature() throws {
    let total = trials.total
    guard !(total.weight <= 0) else {
      throw StepError.badOption(
        key: "curvatureExamples", value: "\(Int(total.examples))",
        expected: "larger: in step \(completed + 1) no position of these examples counts, so that "
          + "there is no curvature to go by")
    }
    try fold(weight: total.weight, examples: total.examples)
  }

  /// Minimises the quadratic model.
  private func solve(_ batch: StepBatch) throws {
    let shift = details.damping + options.weightDecay
    let curvature = curvatureBatch(batch)
    let hasDirection = options.decay > 0 && vectors.dot(direction.base, direction.base) > 0
    // The line search has not begun, so its place is free.
    let guess = model.vector.baseAddress!
    if hasDirection { vectors.scale(guess, options.decay, direction.base) }
    try solver.solve(
      gradient: gradient.base, start: hasDirection ? guess : nil, iterations: options.iterations,
      tolerance: options.tolerance,
      multiply: { product, v in
        if v != UnsafePointer(guess) { vectors.copy(guess, v) }
        try trials.gather { records in
          try model.computeProducts(
            of: curvature, dampingStates: details.damping * options.structuralDamping,
            into: exchange.partials, records: records, accumulator: accumulator,
            repeated: details.products > 0)
        }
        details.products += 1
        try foldCurvature()
        vectors.add(product, exchange.folded.baseAddress!, shift, v)
      },
      precondition: options.probes == 0
        ? nil
        : { [self] out, r in
          vectors.precondition(out, r, diagonal: diagonal.base, damping: shift)
        })
    details.iterations = solver.iterations
  }

  // MARK: The update

  private func applyStep(_ chosen: Chosen) throws {
    guard details.stepLength > 0 else { return }
    vectors.scale(movement.base, -details.stepLength, chosen.direction)
    let gradient = UnsafeBufferPointer(movement.buffer)
    for block in sums.buffer.indices {
      sums.buffer[block] = update.measure(block: block, in: gradient)
    }
    try update.prepare(step: completed, blockSums: UnsafeBufferPointer(sums.buffer))
    _ = try update.apply(gradient: gradient, parameters: source.parameters, gather: nil)
  }

  private func commit(_ newDamping: Double) {
    source.commitStatistics(UnsafeBufferPointer(movement.buffer))
    damping.buffer[0] = newDamping
    health.commit(skipped: false, sanitized: false)
    if details.stepLength > 0, let last = solver.iterates.last {
      vectors.copy(direction.base, last.values)
    } else {
      vectors.clear(direction.base)
    }
    counter.buffer[0] += 1
  }
}
