import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
import LockstepDatasets
import LockstepEngine
import LockstepFiles

/// Runs a training: steps over the sampler's batches, evaluations, checkpoints, logs, and the
/// orderly end.
///
/// Each rank makes one, in the same way; rank 0 alone holds the run directory and hears the events.
package final class Trainer {
  /// All state of the run.
  package let registry = StateRegistry()
  /// What looks at tensors after some steps. Given on all ranks or on none, before the run.
  package var observers: [any TensorObserver]

  private let step: any BatchStep
  private let sampler: Sampler
  private let evaluations: [Evaluation]
  private let options: TrainerOptions
  private let lastStep: Int
  private let configuration: JSONValue
  private let resumption: Resumption
  private let directory: RunDirectory?
  private let collective: any Collective
  private let isInterrupted: () -> Bool
  private let listener: (TrainingEvent) throws -> Void
  private let control: TrainingControl
  private let handshake: Handshake
  /// The registry's state whole, once the ranks have agreed on what it is.
  private var state: WholeState?
  private var best = BestScore()
  /// Whether rank 0 has a directory; agreed by all ranks when a run starts.
  private var saves = false
  /// Whether the directory's outcome is this run's.
  private var hasStarted = false
  /// What watches over state that this rank alone holds.
  private var seal: StateSeal?
  private let log: StepLog
  private let earlyStopping: EarlyStoppingState?
  private let bestWeights: BestWeights
  private var watch: UpdateWatch
  /// When the run is interrupted; nil for never.
  private var deadline: ContinuousClock.Instant?
  /// What went wrong on rank 0 while the others were computing already: it ends the next step.
  private var failure: (any Error)?

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - step: the step, whose source holds the initial weights on rank 0 at least.
  ///   - sampler: the order of the examples.
  ///   - evaluations: what to evaluate.
  ///   - options: how long, and when to do what.
  ///   - configuration: the resolved configuration, which a checkpoint must match.
  ///   - resumption: what may differ from the checkpoint that the run goes on from, and what must not;
  ///     the kernels in use and the last step are added here.
  ///   - handshake: what all ranks must have the same of, beside the configuration and the model.
  ///   - directory: where to leave files, on rank 0; nil on the others, or on all for none.
  ///   - collective: the ranks.
  ///   - isInterrupted: whether this rank was asked to stop; by default by signal.
  ///   - control: what asks for something, on rank 0 only.
  ///   - listener: hears events, on rank 0 only.
  /// - Throws: ``StateError`` where two components use one name, ``TrainerOptionsError``,
  ///   ``ArgumentError`` for a sampler of more examples than the model's data set has.
  package init(
    step: any BatchStep, sampler: Sampler, evaluations: [Evaluation] = [], options: TrainerOptions,
    configuration: JSONValue, resumption: Resumption = Resumption(),
    handshake: Handshake = Handshake(), directory: RunDirectory? = nil,
    on collective: any Collective,
    isInterrupted: @escaping () -> Bool = { Interruption.isRequested },
    control: TrainingControl = TrainingControl(),
    listener: @escaping (TrainingEvent) throws -> Void = { _ in }
  ) throws {
    try options.validate()
    if let metric = options.scoreMetric, let names = evaluations.first?.metricNames,
      metric != EvaluationReport.lossName, !names.contains(metric)
    {
      throw TrainerOptionsError.unknownMetric(metric, known: [EvaluationReport.lossName] + names)
    }
    if let count = step.source.exampleCount, sampler.population > count {
      throw ArgumentError(
        "Trainer", "sampler.count", is: sampler.population,
        expected: "at most \(count), the examples of the data set that the model trains on")
    }
    self.handshake = handshake
    self.step = step
    self.sampler = sampler
    self.evaluations = evaluations
    self.options = options
    self.configuration = configuration
    var resumption = resumption
    resumption.conditions.append(.kernels)
    lastStep = options.lastStep(batchesPerEpoch: sampler.batchesPerEpoch)
    resumption.lastStep = lastStep
    self.resumption = resumption
    self.directory = collective.isRoot ? directory : nil
    log = StepLog(of: step, in: self.directory, options, lastStep: lastStep)
    observers = [log.singularValues].compactMap { $0 }
    self.collective = collective
    self.isInterrupted = isInterrupted
    earlyStopping = options.earlyStopping.map(EarlyStoppingState.init)
    bestWeights = BestWeights(of: step.source, on: collective)
    watch = UpdateWatch(step.update, isPrivate: step.accountant != nil)
    self.listener = listener
    self.control = control
    try registry.add(step.source.stateEntries, of: step.source)
    try registry.add(step.update.stateEntries, of: step.update)
    try registry.add(step.stateEntries, of: step)
    try registry.add(sampler.state, of: sampler)
    if let earlyStopping { try registry.add(earlyStopping.stateEntries, of: earlyStopping) }
    for evaluation in evaluations {
      evaluation.isInterrupted = { [weak self] in self?.mustStop ?? isInterrupted() }
    }
  }

  /// Whether this rank was asked to stop, or has no time left. One that says so stops all.
  private var mustStop: Bool {
    isInterrupted() || deadline.map { ContinuousClock.now >= $0 } ?? false
  }

  /// Trains to the end, or until somebody asks to stop. Called by all ranks.
  ///
  /// - Parameter resume: whether to go on from the directory's newest sound checkpoint, if there is
  ///   one.
  /// - Returns: how it ended: done or interrupted, the same on all ranks.
  /// - Throws: what ends a run otherwise; the outcome file then says so.
  public func run(resume: Bool = false) throws -> Outcome {
    deadline = options.maxSeconds.map { ContinuousClock.now + .seconds($0) }
    do {
      enter(.starting)
      try Fault.reach(.start, rank: collective.rank)
      try start(resume: resume)
      // Nothing is new that a checkpoint would keep.
      let outcome =
        try collective.isInterrupted(isInterrupted())
        ? Outcome(.interrupted, step: step.completed) : try train()
      enter(.ending)
      try collective.onRoot { if let failure { throw failure } }
      try onRootIfSaving { try $0.write(outcome) }
      try collective.onRoot { try tell(.ended(outcome)) }
      return outcome
    } catch {
      // The first error is the one to report; one in reporting it must not hide it.
      if hasStarted {
        try? directory?.write(Outcome(.failed, step: step.completed, message: "\(error)"))
      }
      throw error
    }
  }

  private func enter(_ phase: RankStatus.Phase) {
    collective.page?.enter(phase, step: step.completed)
  }

  // MARK: Start

  private func start(resume: Bool) throws {
    try RunAgreement(
      step: step, sampler: sampler, options: options, configuration: configuration,
      handshake: handshake, registry: registry
    ).check(on: collective)
    let state = try WholeState(registry, on: collective)
    self.state = state
    let path = String(
      decoding: try collective.fromRoot { Array((directory?.absolutePath ?? "").utf8) },
      as: UTF8.self)
    saves = !path.isEmpty
    // A watchdog of any rank may have to say how the run ended.
    collective.watchdog?.outcome =
      directory?.outcome ?? (saves ? OutcomeFile(path, isOwner: false) : nil)
    var restored: CheckpointStore.Restored?
    var notices: [String] = []
    if saves {
      enter(.checkpointing)
      try onRootIfSaving { directory in
        if resume {
          restored = try directory.checkpoints.restore(
            into: registry, configuration: configuration, resumption)
        }
        notices = try directory.truncateLogs(afterStep: restored?.step ?? 0)
        try directory.write(configuration: configuration)
        if let data = resumption.data { try directory.write(data.description) }
        try directory.write(
          Outcome(.running, step: restored?.step ?? 0, totalSteps: lastStep))
        hasStarted = true
      }
      if let restored { noteFailure { try tell(.resumed(restored)) } }
      for notice in notices { noteFailure { try tell(.notice(notice)) } }
      try best.agree(on: collective) {
        try directory?.checkpoints.best(upTo: restored?.step ?? 0)?.score
      }
    }
    try registry.broadcast(on: collective)
    try state.scatter(fromFile: restored?.path)
    enter(.starting)
    try registry.compare(on: collective, step: step.completed)
  }

  // MARK: The loop

  private var isDone: Bool {
    sampler.epoch >= options.epochs || step.completed >= options.steps ?? .max
      || earlyStopping?.isOver ?? false
  }

  private func train() throws -> Outcome {
    while !isDone {
      let report = try oneStep()
      let isEpochEnd = sampler.batchInEpoch == 0
      var requests = report.requests
      var score: Double?
      // One more at the very end is of that end alone.
      let isScheduled = isEpochEnd && sampler.epoch % options.evaluateEveryEpochs == 0
      var ends = isDone || requests.contains(.finish)
      if ends || isScheduled {
        enter(.evaluating)
        score = try evaluate(isScheduled: isScheduled)
        for evaluation in evaluations { requests.formUnion(evaluation.requests) }
      }
      // A run that goes on from here would not have had this evaluation.
      if restoresBest, !isScheduled { score = nil }
      if isScheduled, let score, let earlyStopping {
        earlyStopping.note(score)
        if earlyStopping.isOver, !ends {
          noteFailure { try tell(.notice(earlyStopping.reason(options.scoreMetric))) }
          ends = true
        }
      }
      let stops = requests.contains(.stop) && !ends
      if let every = options.compareEverySteps, report.step % every == 0 {
        enter(.comparing)
        try registry.compare(on: collective, step: step.completed)
        if registry.hasSingles { seal = StateSeal(registry, step: step.completed) }
      }
      let isDue = options.checkpointEverySteps.map { report.step % $0 == 0 } ?? isEpochEnd
      // Of equal ones the last is the best checkpoint; where weights are restored it is saved in any case.
      let isBest = best.isReached(by: score, equalled: restoresBest)
      let isAsked = requests.contains(.save) || ends && !requests.contains(.unsaved)
      if isAsked || stops || isDue || isBest { try save(score) }
      if isBest, let score {
        best.note(score)
        if !saves, restoresBest { try bestWeights.keep() }
      }
      if stops { return Outcome(.interrupted, step: step.completed) }
      if ends { break }
    }
    return try finish()
  }

  private func oneStep() throws -> StepReport {
    let timeline = collective.page?.timeline
    timeline?.beginStep(step.completed + 1)
    defer { timeline?.endStep() }
    timeline?.enter(.order)
    let epoch = sampler.epoch
    let batch = batch(of: step.completed, epoch: epoch, try sampler.batch())
    step.source.anticipate {
      let next = sampler.next()
      return self.batch(of: step.completed + 1, epoch: next.epoch, next.examples)
    }
    observers.prepare(step, on: collective)
    let clock = ContinuousClock()
    let start = clock.now
    let asked = collective.isRoot ? control.take() : []
    let report = try step.run(
      batch, requests: mustStop ? asked.union(.stop) : asked, failure: failure,
      inspect: inspect)
    sampler.advance()
    let seconds = (clock.now - start) / .seconds(1)
    let rate = Double(report.examples) / max(seconds, 1e-9)
    timeline?.enter(.log)
    let warnings =
      collective.isRoot
      ? watch.notices(report, isLast: isDone, parameters: step.source.parameters) : []
    noteFailure {
      try log.write(report, epoch: epoch + 1, examplesPerSecond: rate)
      if let notice = step.source.unfrozenNotice(step: report.step) { try tell(.notice(notice)) }
      try tell(.step(report, epoch: epoch + 1, examplesPerSecond: rate))
      for warning in warnings {
        try log.write(warning: warning, step: report.step)
        try tell(.notice(warning))
      }
      try observers.see(report, of: step.source, on: collective)
    }
    // Skipping steps cannot help where the weights themselves are lost.
    if report.skipped != nil {
      try Weights(of: step.source).checkFinite(step: step.completed, on: collective)
    }
    return report
  }

  /// The batch of a step; shards are filled up where batches are drawn example by example.
  private func batch(of number: Int, epoch: Int, _ examples: ArraySlice<Int>) -> StepBatch {
    let shards = step.plan.shards
    let filled = sampler.poisson?.filled(
      examples, shards: shards, seed: sampler.seed, step: number)
    return StepBatch(
      step: number, epoch: epoch, examples: filled ?? examples, present: examples.count,
      shards: shards, microBatches: options.microBatches)
  }

  /// Holds the state that a step started from against its seal and the other ranks'.
  ///
  /// A sharded update makes owners' parameters everybody's, and so would heal or spread a flipped
  /// bit: replicas must be compared before it.
  private func inspect() throws {
    guard let seal else { return }
    self.seal = nil
    var broken: (any Error)?
    do { try seal.check(registry, rank: collective.rank) } catch { broken = error }
    try collective.throwOnAll(broken)
    try registry.compare(on: collective, step: step.completed + 1)
  }

  /// Runs all evaluations; returns the first one's score.
  private func evaluate(isScheduled: Bool) throws -> Double? {
    var score: Double?
    for evaluation in evaluations {
      let report = try evaluation.run(isScheduled: isScheduled)
      score = score ?? report.score(by: options.scoreMetric)
      noteFailure {
        let epoch = sampler.epoch + (sampler.batchInEpoch > 0 ? 1 : 0)
        try directory?.evaluations.append(report.line(step: step.completed, epoch: epoch))
        try tell(.evaluation(report, step: step.completed, epoch: epoch))
      }
    }
    return score
  }

  private func save(_ score: Double?) throws {
    guard saves else { return }
    enter(.checkpointing)
    try Weights(of: step.source).checkFinite(step: step.completed, on: collective)
    let pending = collective.isRoot ? control.pendingFactor : nil
    try step.update.whileLearningRate(isScaledBy: pending) { try write(score) }
  }

  private func write(_ score: Double?) throws {
    try state?.write { image in
      // Only rank 0 gets here, and it has the directory where there is one.
      try directory!.synchronizeLogs()
      let path = try directory!.checkpoints.save(
        image, step: step.completed, configuration: configuration,
        conditions: resumption.conditions, data: resumption.data?.description,
        weights: Weights(of: step.source).fingerprint(), score: score,
        proven: step.completed - step.skippedInARow - 1)
      try tell(.checkpoint(path: path, step: step.completed))
    }
  }

  private var restoresBest: Bool { options.earlyStopping?.restoresBest ?? false }

  /// Makes sure that all ranks hold the same, and writes the weights.
  private func finish() throws -> Outcome {
    if restoresBest {
      try bestWeights.restore {
        try directory?.checkpoints.best(upTo: step.completed)
          .map { directory?.checkpoints.path(ofStep: $0.step) } ?? nil
      }
    }
    if !saves { try Weights(of: step.source).checkFinite(step: step.completed, on: collective) }
    try registry.compare(on: collective, step: step.completed)
    try Fault.reach(.end, rank: collective.rank)
    // A run is done once all ranks have come to its end.
    try collective.barrier()
    let weights = Weights(of: step.source)
    let fingerprint = weights.fingerprint()
    try onRootIfSaving { directory in
      try weights.write(
        directory.weightsPath,
        metadata: resumption.metadata(
          step: step.completed, [WeightsFile.fingerprintKey: fingerprint.description]),
        fileSystem: directory.fileSystem)
    }
    return Outcome(.done, step: step.completed, fingerprint: fingerprint)
  }

  // MARK: Rank 0

  /// Does something with the directory on rank 0; all ranks throw where that fails.
  private func onRootIfSaving(_ body: (RunDirectory) throws -> Void) throws {
    if saves { try collective.onRoot { try body(directory!) } }
  }

  private func tell(_ event: TrainingEvent) throws {
    if collective.isRoot { try listener(event) }
  }

  /// Keeps the first error of what rank 0 does alone, until all ranks can hear of it.
  private func noteFailure(_ body: () throws -> Void) {
    if failure != nil { return }
    do { try body() } catch { failure = error }
  }
}
